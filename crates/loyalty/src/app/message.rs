//! Entries as messages: the answer of every posting, kept under its request id as well, and the
//! events that tell of it.

use crate::domain::book::FORMER;
use crate::domain::{Allocation, Entry, EntryKind, Time};
use perennial_platform::events::NewEvent;
use perennial_platform::time;
use perennial_proto::loyalty::v1 as proto;

/// An entry as callers see it.
pub(crate) fn entry(entry: Entry) -> proto::Entry {
    let (legs, origin) = (entry.legs, entry.origin);
    proto::Entry {
        entry_id: entry.id.to_string(),
        seq: entry.seq,
        user_id: entry.user,
        kind: i32::from(entry.kind.number()),
        points: entry.points,
        legs: Some(proto::Legs {
            issuer: legs.issuer,
            available: legs.available,
            escrow: legs.escrow,
            debt: legs.debt,
            redeemed: legs.redeemed,
            expired: legs.expired,
            reversed: legs.reversed,
            transfer: legs.transfer,
        }),
        held: entry.held,
        allocations: allocations(&entry.allocations),
        available_after: entry.available_after,
        reverses: entry.reverses.map(|id| id.to_string()).unwrap_or_default(),
        hold_id: entry.hold.map(|id| id.to_string()).unwrap_or_default(),
        source: origin.source,
        source_event_id: origin.event,
        reason: origin.reason,
        rule: origin.rule,
        rule_version: origin.rule_version,
        facts: origin.facts.into_iter().collect(),
        occur_time: Some(time::to_proto(entry.occurred_at)),
        record_time: Some(time::to_proto(entry.recorded_at)),
        expire_time: entry.expires_at.map(time::to_proto),
        hash: entry.hash.map(Vec::from).unwrap_or_default(),
        transfer_id: entry.transfer.map(|id| id.to_string()).unwrap_or_default(),
        activate_time: entry.activates_at.map(time::to_proto),
    }
}

/// Parts of lots as callers see them.
pub(crate) fn allocations(parts: &[Allocation]) -> Vec<proto::Allocation> {
    let part =
        |part: &Allocation| proto::Allocation { lot_id: part.lot.to_string(), points: part.points };
    parts.iter().map(part).collect()
}

/// What the event log tells of an entry; holds and what becomes of them stay between the caller
/// and this service.
pub(crate) fn event(entry: &Entry, now: Time) -> Option<NewEvent> {
    let (user_id, entry_id, points) = (entry.user.clone(), entry.id.to_string(), entry.points);
    let event = match entry.kind {
        EntryKind::Correction if entry.legs.issuer == 0 => reversed(entry, now),
        EntryKind::Earn | EntryKind::Activate | EntryKind::Correction => {
            let rule = entry.origin.rule.clone();
            let expire_time = entry.expires_at.map(time::to_proto);
            let earned = proto::PointsEarned { user_id, entry_id, points, rule, expire_time };
            NewEvent::of(now, &entry.user, &earned)
        }
        EntryKind::Spend | EntryKind::Capture => {
            NewEvent::of(now, &entry.user, &proto::PointsSpent { user_id, entry_id, points })
        }
        EntryKind::Expire => {
            NewEvent::of(now, &entry.user, &proto::PointsExpired { user_id, entry_id, points })
        }
        EntryKind::ReverseEarn | EntryKind::ReverseSpend | EntryKind::CancelPending => {
            reversed(entry, now)
        }
        EntryKind::EarnPending => {
            let rule = entry.origin.rule.clone();
            let activate_time = entry.activates_at.map(time::to_proto);
            let pending = proto::PointsPending { user_id, entry_id, points, rule, activate_time };
            NewEvent::of(now, &entry.user, &pending)
        }
        EntryKind::TransferOut | EntryKind::TransferIn => {
            let facts = &entry.origin.facts;
            let other = facts.get("to").or_else(|| facts.get("from"));
            let transferred = proto::PointsTransferred {
                user_id,
                entry_id,
                points: entry.legs.available,
                other_user_id: other.cloned().unwrap_or_default(),
                transfer_id: entry.transfer.map(|id| id.to_string()).unwrap_or_default(),
            };
            NewEvent::of(now, &entry.user, &transferred)
        }
        EntryKind::Extend => NewEvent::of(now, &entry.user, &extended(entry)),
        EntryKind::Hold | EntryKind::Void | EntryKind::Timeout | EntryKind::SetOff => return None,
    };
    Some(event)
}

fn extended(entry: &Entry) -> proto::PointsExtended {
    proto::PointsExtended {
        user_id: entry.user.clone(),
        lot_id: entry.allocations.first().map(|part| part.lot.to_string()).unwrap_or_default(),
        points: entry.points,
        former_expire_time: former(entry).map(time::to_proto),
        expire_time: entry.expires_at.map(time::to_proto),
    }
}

/// The date that a lot had before it was extended by this entry.
pub(crate) fn former(entry: &Entry) -> Option<Time> {
    entry.origin.facts.get(FORMER).and_then(|date| date.parse().ok())
}

fn reversed(entry: &Entry, now: Time) -> NewEvent {
    let reversed = proto::PointsReversed {
        user_id: entry.user.clone(),
        entry_id: entry.id.to_string(),
        reversed_entry_id: entry.reverses.map(|id| id.to_string()).unwrap_or_default(),
        points: entry.points,
    };
    NewEvent::of(now, &entry.user, &reversed)
}
