//! What calls lead to.

use super::{Deed, EntryId, EntryKind, Fate, Held, LIMIT, Oracle, Time, Verdict};
use crate::simulation::call::Call;
use crate::simulation::oracle::member::midnight_after;
use chrono::{Months, TimeDelta};
use perennial_platform::time::{duration_from_proto, from_proto};
use perennial_proto::loyalty::v1::{EarnRequest, HoldRequest, ReversalPolicy, ReverseRequest};

/// Points to be earned.
pub(super) struct Earning {
    pub(super) kind: EntryKind,
    pub(super) id: EntryId,
    pub(super) user: String,
    pub(super) points: i64,
    pub(super) at: Time,
    pub(super) expires_at: Option<Time>,
    pub(super) name: Option<String>,
}

/// Points to be taken back.
pub(super) struct Taking {
    pub(super) id: EntryId,
    pub(super) entry: EntryId,
    pub(super) points: Option<i64>,
    pub(super) up_to: bool,
    pub(super) policy: ReversalPolicy,
    pub(super) name: Option<String>,
    pub(super) expires_at: Option<Time>,
}

/// Twelve months and the rest of the last day, in Shanghai (as shipped).
pub(super) fn twelve_months(at: Time) -> Option<Time> {
    let local = at + TimeDelta::hours(8);
    let last = local.checked_add_months(Months::new(12))? - TimeDelta::hours(8);
    Some(midnight_after(last, 0))
}

/// The hold and its entry have the same UUID.
fn hold_entry(hold: &str) -> Option<EntryId> {
    hold.parse().ok().map(|id: crate::domain::HoldId| EntryId::from(id.uuid()))
}

pub(super) fn name(what: &str, source: &str, event: &str, reason: &str) -> Option<String> {
    (!event.is_empty()).then(|| format!("{what} {source} {event} {reason}"))
}

impl Oracle {
    pub(super) fn write(&mut self, call: &Call, now: Time, fresh: EntryId) -> Verdict {
        match call {
            Call::Earn(r) => self.earn_call(r, now, fresh),
            Call::Spend(r) => {
                let name = name("spend", &r.source, &r.source_event_id, &r.reason);
                self.spend(&r.user_id, r.points, name, now, fresh)
            }
            Call::Hold(r) => self.hold(r, now, fresh),
            Call::Capture(r) => self.resolve(&r.hold_id, Some(r.points), now, fresh),
            Call::Void(r) => self.resolve(&r.hold_id, None, now, fresh),
            Call::Reverse(r) => self.reverse_call(r, now, fresh),
            Call::EarnPending(r) => self.earn_pending(r, now, fresh),
            Call::Activate(r) => self.activate(&r.entry_id, now, fresh),
            Call::CancelPending(r) => self.cancel_pending(r, now, fresh),
            Call::Transfer(r) => self.transfer(r, now, fresh),
            Call::Correct(r) => self.correct(r, now, fresh),
        }
    }

    fn earn_call(&mut self, r: &EarnRequest, raw: Time, fresh: EntryId) -> Verdict {
        let read = |at: &Option<_>| at.as_ref().and_then(|at| from_proto("time", at).ok());
        let at = read(&r.occur_time).unwrap_or(raw);
        let told = read(&r.expire_time);
        let name = name("earn", &r.source, &r.source_event_id, &r.reason);
        if let Some(earlier) = self.earlier(name.as_ref(), &r.user_id, r.points) {
            return earlier;
        }
        if told.is_some_and(|at| at <= self.time(raw)) {
            return Err("expire_time");
        }
        let expires_at = match told {
            None if r.never_expires => None,
            None => twelve_months(at),
            told => told,
        };
        let (user, points) = (r.user_id.clone(), r.points);
        let (kind, id) = (EntryKind::Earn, fresh);
        self.earn(Earning { kind, id, user, points, at, expires_at, name }, raw)
    }

    pub(super) fn earn(&mut self, earning: Earning, raw: Time) -> Verdict {
        let now = self.time(raw);
        let Earning { kind, id, user, points, at, expires_at, name } = earning;
        let member = self.members.get(&user);
        if member.is_some_and(|member| member.closed) {
            return Err("MEMBER_CLOSED");
        }
        if member.map_or(0, |member| member.issued) + points > LIMIT {
            return Err("BALANCE_LIMIT");
        }
        let member = self.members.entry(user.clone()).or_default();
        let (before, owed) = (member.available(), member.debt);
        member.earn(id, points, at, expires_at);
        let (after, debt) = (member.available(), owed - member.debt);
        let deed = Deed {
            id,
            user,
            kind,
            points,
            available: after - before,
            debt,
            held: 0,
            after,
            reversed: 0,
            gave: true,
        };
        Ok(self.record(deed, name, now))
    }

    fn spend(
        &mut self,
        user: &str,
        points: i64,
        name: Option<String>,
        raw: Time,
        id: EntryId,
    ) -> Verdict {
        if let Some(earlier) = self.earlier(name.as_ref(), user, points) {
            return earlier;
        }
        let now = self.time(raw);
        let member = self.active(user, now)?;
        if member.free() < points {
            return Err("INSUFFICIENT_POINTS");
        }
        member.use_up(points, None, Fate::Spent(id));
        let after = member.available();
        let (user, kind, available) = (user.to_owned(), EntryKind::Spend, -points);
        let deed = Deed {
            id,
            user,
            kind,
            points,
            available,
            debt: 0,
            held: 0,
            after,
            reversed: 0,
            gave: false,
        };
        Ok(self.record(deed, name, now))
    }

    fn hold(&mut self, r: &HoldRequest, raw: Time, id: EntryId) -> Verdict {
        let name = name("hold", &r.source, &r.source_event_id, &r.reason);
        if let Some(earlier) = self.earlier(name.as_ref(), &r.user_id, r.points) {
            return earlier;
        }
        let now = self.time(raw);
        let timeout = r.timeout.as_ref().and_then(|t| duration_from_proto("timeout", t).ok());
        let deadline = now + timeout.unwrap_or(TimeDelta::minutes(15));
        let member = self.active(&r.user_id, now)?;
        if member.free() < r.points {
            return Err("INSUFFICIENT_POINTS");
        }
        member.use_up(r.points, None, Fate::Held(id));
        member.holds.insert(id, Held { points: r.points, deadline, end: None });
        let (user, kind, points, after) =
            (r.user_id.clone(), EntryKind::Hold, r.points, member.available());
        let deed = Deed {
            id,
            user,
            kind,
            points,
            available: 0,
            debt: 0,
            held: points,
            after,
            reversed: 0,
            gave: true,
        };
        Ok(self.record(deed, name, now))
    }

    /// Captures so many points (0: all), or gives the hold up.
    fn resolve(&mut self, hold: &str, capture: Option<i64>, raw: Time, fresh: EntryId) -> Verdict {
        let now = self.time(raw);
        let placed = hold_entry(hold)
            .filter(|id| self.deeds.get(id).is_some_and(|deed| deed.kind == EntryKind::Hold));
        let id = placed.ok_or("HOLD_NOT_FOUND")?;
        let user = self.deeds.get(&id).map(|deed| deed.user.clone()).unwrap_or_default();
        self.settle(&user, now);
        let member = self.members.get_mut(&user).ok_or("HOLD_NOT_FOUND")?;
        let held = member.holds.get_mut(&id).ok_or("HOLD_NOT_FOUND")?;
        if let Some(end) = held.end {
            return Err(end);
        }
        let all = held.points;
        let spent = match capture {
            None => 0,
            Some(0) => all,
            Some(points) => points,
        };
        if spent > all {
            return Err("EXCEEDS_HOLD");
        }
        let (kind, end) = match capture {
            Some(_) => (EntryKind::Capture, "HOLD_CAPTURED"),
            None => (EntryKind::Void, "HOLD_VOIDED"),
        };
        held.end = Some(end);
        let after = member.available() - spent;
        member.turn_over(Fate::Held(id), spent, false, Fate::Spent(fresh));
        member.release(Fate::Held(id), i64::MAX, false, now);
        let points = if capture.is_some() { spent } else { all };
        let (available, held) = (-spent, -all);
        let deed = Deed {
            id: fresh,
            user,
            kind,
            points,
            available,
            debt: 0,
            held,
            after,
            reversed: 0,
            gave: false,
        };
        let deed = self.record(deed, None, now);
        self.settle(&deed.user, now);
        Ok(deed)
    }

    fn reverse_call(&mut self, r: &ReverseRequest, raw: Time, fresh: EntryId) -> Verdict {
        let entry = r.entry_id.parse().map_err(|_| "entry_id")?;
        let policy = match r.policy() {
            ReversalPolicy::Unspecified => ReversalPolicy::Unlimited,
            policy => policy,
        };
        let name = (!r.cause.is_empty()).then(|| format!("reverse {entry} {}", r.cause));
        let points = (r.points != 0).then_some(r.points);
        let expires_at = twelve_months(raw);
        let taking = Taking { id: fresh, entry, points, up_to: false, policy, name, expires_at };
        self.reverse(taking, raw)
    }

    pub(super) fn reverse(&mut self, taking: Taking, raw: Time) -> Verdict {
        let now = self.time(raw);
        if let Some(earlier) = taking.name.as_ref().and_then(|name| self.named.get(name)) {
            return self.deeds.get(earlier).cloned().ok_or("ENTRY_NOT_FOUND");
        }
        let original = self.deeds.get(&taking.entry).cloned().ok_or("ENTRY_NOT_FOUND")?;
        self.active(&original.user, now)?;
        let reversed = match original.kind {
            EntryKind::Earn | EntryKind::EarnPending => self.claw_back(&taking, &original),
            // A correction that gave.
            EntryKind::Correction if original.gave => self.claw_back(&taking, &original),
            EntryKind::Spend | EntryKind::Capture => self.give_back(&taking, &original, now),
            EntryKind::ReverseEarn | EntryKind::Correction => {
                let points = wanted(&taking, &original, 0)?;
                let (kind, id) = (EntryKind::Earn, taking.id);
                let (user, at) = (original.user.clone(), now);
                let (expires_at, name) = (taking.expires_at, None);
                self.earn(Earning { kind, id, user, points, at, expires_at, name }, raw)
            }
            _ => Err("NOT_REVERSIBLE"),
        }?;
        if let Some(original) = self.deeds.get_mut(&original.id) {
            original.reversed += reversed.points;
        }
        let reversed = self.record(reversed, taking.name, now);
        self.settle(&reversed.user, now);
        Ok(reversed)
    }

    fn claw_back(&mut self, taking: &Taking, original: &Deed) -> Verdict {
        let member = self.members.get_mut(&original.user).ok_or("MEMBER_NOT_FOUND")?;
        let wanted = wanted(taking, original, member.expired_of(original.id))?;
        let pending = member.pending_of(original.id).min(wanted);
        let active = wanted - pending;
        let there = active.min(member.free());
        let (there, missing) = match taking.policy {
            ReversalPolicy::OnlyPending => (0, 0),
            ReversalPolicy::WithinBalance => (there, 0),
            _ => (there, active - there),
        };
        if pending + there + missing == 0 {
            return Err("NOTHING_TO_REVERSE");
        }
        member.call_off(original.id, pending);
        member.use_up(there, Some(original.id), Fate::Gone);
        member.debt += missing;
        member.reversed += there + missing;
        Ok(Deed {
            id: taking.id,
            user: original.user.clone(),
            kind: EntryKind::ReverseEarn,
            points: pending + there + missing,
            available: -there,
            debt: -missing,
            held: 0,
            after: member.available(),
            reversed: 0,
            gave: false,
        })
    }

    fn give_back(&mut self, taking: &Taking, original: &Deed, now: Time) -> Verdict {
        let points = wanted(taking, original, 0)?;
        let member = self.members.get_mut(&original.user).ok_or("MEMBER_NOT_FOUND")?;
        member.release(Fate::Spent(original.id), points, true, now);
        Ok(Deed {
            id: taking.id,
            user: original.user.clone(),
            kind: EntryKind::ReverseSpend,
            points,
            available: points,
            debt: 0,
            held: 0,
            after: member.available(),
            reversed: 0,
            gave: false,
        })
    }
}

/// How many points to take back: what is asked for, of what is left.
fn wanted(taking: &Taking, original: &Deed, gone: i64) -> Result<i64, &'static str> {
    let left = original.points - original.reversed;
    let asked = taking.points.unwrap_or(left);
    if asked > left && !taking.up_to {
        return Err("EXCEEDS_ORIGINAL");
    }
    match asked.min((left - gone).max(0)) {
        0 => Err("NOTHING_TO_REVERSE"),
        points => Ok(points),
    }
}
