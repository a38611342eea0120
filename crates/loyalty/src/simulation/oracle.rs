//! The oracle: a slow, obvious model of what callers are promised. It shares no rule with the
//! code that it judges, only the names of things.

mod feed;
mod member;
mod more;
mod places;
mod write;

pub(super) use feed::Told;
pub(super) use member::Member;
pub(super) use places::{Ask, BENEFIT, EACH, PLACES, Places};

use super::call::Call;
use crate::domain::{EntryId, EntryKind, Time};
use feed::Deal;
use member::{Fate, Held};
use perennial_proto::loyalty::v1 as proto;
use std::collections::{BTreeMap, BTreeSet};

/// No member may ever be given more.
const LIMIT: i64 = 1_000_000_000_000_000;

/// What the ledger ought to hold.
#[derive(Default)]
pub(super) struct Oracle {
    pub(super) members: BTreeMap<String, Member>,
    pub(super) deeds: BTreeMap<EntryId, Deed>,
    /// What business events and causes led to.
    named: BTreeMap<String, EntryId>,
    deals: BTreeMap<String, Deal>,
    checked_in: BTreeSet<String>,
    refunds: BTreeSet<String>,
    /// To whom points were given, by the giver's entry.
    receivers: BTreeMap<EntryId, String>,
    /// The points that corrections were asked for.
    asked: BTreeMap<EntryId, i64>,
    recorded_at: Time,
    /// The answer to a request id never changes.
    answers: BTreeMap<(&'static str, String), (Call, Verdict)>,
}

/// An entry, as far as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) id: EntryId,
    pub(super) user: String,
    pub(super) kind: EntryKind,
    pub(super) points: i64,
    pub(super) available: i64,
    pub(super) debt: i64,
    pub(super) held: i64,
    pub(super) after: i64,
    /// Points of it that were taken back so far.
    pub(super) reversed: i64,
    /// It gave points.
    pub(super) gave: bool,
}

/// An entry, or the reason of a refusal.
pub(super) type Verdict = Result<Deed, &'static str>;

impl Deed {
    /// What of it differs from the entry that was answered.
    pub(super) fn differs(&self, entry: &proto::Entry) -> Option<String> {
        let legs = entry.legs.unwrap_or_default();
        let expected = (
            self.id.to_string(),
            self.user.as_str(),
            i32::from(self.kind.number()),
            [self.points, self.available, self.debt, self.held, self.after],
        );
        let told = (
            entry.entry_id.clone(),
            entry.user_id.as_str(),
            entry.kind,
            [entry.points, legs.available, legs.debt, entry.held, entry.available_after],
        );
        (expected != told).then(|| format!("expected {expected:?}, was told {told:?}"))
    }
}

impl Oracle {
    /// The ledger's time never runs backwards.
    fn time(&self, now: Time) -> Time {
        now.max(self.recorded_at)
    }

    /// A member as a reader sees them now.
    pub(super) fn view(&self, user: &str, now: Time) -> Option<Member> {
        let mut member = self.members.get(user)?.clone();
        member.settle(now);
        Some(member)
    }

    /// What a call under a request id is answered, and whether it was answered before. `fresh`
    /// names the entry if there is a new one.
    pub(super) fn answer(&mut self, call: &Call, now: Time, fresh: EntryId) -> (Verdict, bool) {
        let key = (call.name(), call.request_id().to_owned());
        if let Some((earlier, verdict)) = self.answers.get(&key) {
            if earlier == call {
                return (verdict.clone(), true);
            }
            return (Err("REQUEST_ID_REUSED"), false);
        }
        let verdict = self.write(call, now, fresh);
        self.answers.insert(key, (call.clone(), verdict.clone()));
        (verdict, false)
    }

    /// How a hold stands: `None` while it is open.
    pub(super) fn hold_end(&self, user: &str, hold: EntryId, now: Time) -> Option<&'static str> {
        self.view(user, now)?.holds.get(&hold)?.end
    }

    fn settle(&mut self, user: &str, now: Time) {
        if self.members.get_mut(user).is_some_and(|member| member.settle(now)) {
            self.recorded_at = now;
        }
    }

    /// A member who may earn and spend, settled.
    fn active(&mut self, user: &str, now: Time) -> Result<&mut Member, &'static str> {
        self.settle(user, now);
        let member = self.members.get_mut(user).ok_or("MEMBER_NOT_FOUND")?;
        if member.closed { Err("MEMBER_CLOSED") } else { Ok(member) }
    }

    /// What the settling job does.
    pub(super) fn settle_due(&mut self, now: Time) {
        let due = self.members.iter().filter(|(_, member)| member.is_due(now));
        let users: Vec<String> = due.map(|(user, _)| user.clone()).collect();
        for user in users {
            self.settle(&user, self.time(now));
        }
    }

    /// Remembers an entry, and what named it.
    fn record(&mut self, deed: Deed, name: Option<String>, now: Time) -> Deed {
        self.recorded_at = now;
        if let Some(name) = name {
            self.named.insert(name, deed.id);
        }
        self.deeds.insert(deed.id, deed.clone());
        deed
    }

    /// The earlier entry of a business event. Errors: it was about something else.
    fn earlier(&self, name: Option<&String>, user: &str, points: i64) -> Option<Verdict> {
        let deed = name.and_then(|name| self.named.get(name)).and_then(|id| self.deeds.get(id))?;
        Some(if deed.user == user && deed.points == points {
            Ok(deed.clone())
        } else {
            Err("SOURCE_EVENT_REUSED")
        })
    }
}
