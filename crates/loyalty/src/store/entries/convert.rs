//! Entries to rows and back.

use crate::domain::chain::Digest;
use crate::domain::{Allocation, Entry, EntryId, EntryKind, HoldId, Legs, Origin, TransferId};
use crate::store::damaged;
use crate::store::rows::{allocations, entries};
use perennial_platform::Result;
use sea_orm::IntoActiveModel;
use std::collections::BTreeMap;

/// Whether rows of `allocations` belong to it.
pub(super) fn has_parts(row: &entries::Model) -> bool {
    !matches!(
        EntryKind::from_number(row.kind),
        Some(EntryKind::Earn | EntryKind::EarnPending | EntryKind::Void | EntryKind::Timeout)
    )
}

pub(in crate::store) fn from_row(
    row: entries::Model,
    allocations: Vec<Allocation>,
) -> Result<Entry> {
    let kind = EntryKind::from_number(row.kind).ok_or_else(|| damaged("entries", row.kind))?;
    let facts = match row.facts.as_str() {
        "" => BTreeMap::new(),
        json => serde_json::from_str(json).map_err(|error| damaged("entries", error))?,
    };
    Ok(Entry {
        seq: row.seq,
        id: EntryId::from(row.id),
        user: row.user_id,
        kind,
        points: row.points,
        legs: Legs {
            issuer: row.issuer,
            available: row.available,
            escrow: row.escrow,
            debt: row.debt,
            redeemed: row.redeemed,
            expired: row.expired,
            reversed: row.reversed,
            transfer: row.transfer,
        },
        held: row.held,
        allocations,
        available_after: row.available_after,
        reverses: row.reverses.map(EntryId::from),
        hold: row.hold_id.map(HoldId::from),
        origin: Origin {
            source: row.source,
            event: row.source_event_id,
            reason: row.reason,
            rule: row.rule,
            rule_version: row.rule_version,
            facts,
        },
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
        expires_at: row.expires_at,
        hash: Digest::try_from(row.hash).ok(),
        activates_at: row.activates_at,
        transfer: row.transfer_id.map(TransferId::from),
    })
}

pub(super) fn into_rows(entry: Entry) -> (entries::ActiveModel, Vec<allocations::ActiveModel>) {
    let parts = entry.allocations.iter().zip(0i32..).map(|(part, place)| allocations::Model {
        entry_seq: entry.seq,
        place,
        lot_id: part.lot.uuid(),
        points: part.points,
    });
    let parts = parts.map(IntoActiveModel::into_active_model).collect();
    let (legs, origin) = (entry.legs, entry.origin);
    let facts = facts_text(&origin.facts);
    let row = entries::Model {
        seq: entry.seq,
        id: entry.id.uuid(),
        user_id: entry.user,
        kind: entry.kind.number(),
        points: entry.points,
        issuer: legs.issuer,
        available: legs.available,
        escrow: legs.escrow,
        debt: legs.debt,
        redeemed: legs.redeemed,
        expired: legs.expired,
        reversed: legs.reversed,
        transfer: legs.transfer,
        held: entry.held,
        available_after: entry.available_after,
        reverses: entry.reverses.map(EntryId::uuid),
        hold_id: entry.hold.map(HoldId::uuid),
        source: origin.source,
        source_event_id: origin.event,
        reason: origin.reason,
        rule: origin.rule,
        rule_version: origin.rule_version,
        facts,
        occurred_at: entry.occurred_at,
        recorded_at: entry.recorded_at,
        expires_at: entry.expires_at,
        hash: entry.hash.map(Vec::from).unwrap_or_default(),
        activates_at: entry.activates_at,
        transfer_id: entry.transfer.map(TransferId::uuid),
    };
    (row.into_active_model(), parts)
}

/// Facts as they are stored.
pub(in crate::store) fn facts_text(facts: &BTreeMap<String, String>) -> String {
    if facts.is_empty() { String::new() } else { serde_json::to_string(facts).unwrap_or_default() }
}
