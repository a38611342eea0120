//! What calls lead to: pending points, gifts, corrections.

use super::write::{Earning, name, twelve_months};
use super::{Deed, EntryId, EntryKind, Fate, LIMIT, Oracle, Time, Verdict};
use crate::domain::LotId;
use perennial_platform::time::from_proto;
use perennial_proto::loyalty::v1::{
    CancelPendingRequest, CorrectRequest, EarnPendingRequest, ReversalPolicy, TransferRequest,
};

fn deed(id: EntryId, user: &str, kind: EntryKind, points: i64, available: i64, after: i64) -> Deed {
    let user = user.to_owned();
    Deed { id, user, kind, points, available, debt: 0, held: 0, after, reversed: 0, gave: false }
}

impl Oracle {
    pub(super) fn earn_pending(
        &mut self,
        r: &EarnPendingRequest,
        raw: Time,
        id: EntryId,
    ) -> Verdict {
        let read = |at: &Option<_>| at.as_ref().and_then(|at| from_proto("time", at).ok());
        let name = name("pending", &r.source, &r.source_event_id, &r.reason);
        if let Some(earlier) = self.earlier(name.as_ref(), &r.user_id, r.points) {
            return earlier;
        }
        let now = self.time(raw);
        let told = read(&r.expire_time);
        if told.is_some_and(|at| at <= now) {
            return Err("expire_time");
        }
        let known = self.members.get(&r.user_id);
        if known.is_some_and(|member| member.closed) {
            return Err("MEMBER_CLOSED");
        }
        if known.map_or(0, |member| member.issued) + r.points > LIMIT {
            return Err("BALANCE_LIMIT");
        }
        let expires_at = told.or_else(|| twelve_months(raw));
        let member = self.members.entry(r.user_id.clone()).or_default();
        member.earn_pending(id, r.points, raw, expires_at, read(&r.activate_time));
        let after = member.available();
        let deed = deed(id, &r.user_id, EntryKind::EarnPending, r.points, 0, after);
        Ok(self.record(Deed { gave: true, ..deed }, name, now))
    }

    /// The member of a pending earning, settled, and how much of it is pending.
    fn pending(&mut self, entry: &str, now: Time) -> Result<(EntryId, String, i64), &'static str> {
        let entry: EntryId = entry.parse().map_err(|_| "entry_id")?;
        let user = self.deeds.get(&entry).ok_or("ENTRY_NOT_FOUND")?.user.clone();
        match self.active(&user, now)?.pending_of(entry) {
            0 => Err("NOT_PENDING"),
            pending => Ok((entry, user, pending)),
        }
    }

    pub(super) fn activate(&mut self, entry: &str, raw: Time, fresh: EntryId) -> Verdict {
        let now = self.time(raw);
        let (entry, user, points) = self.pending(entry, now)?;
        let member = self.members.get_mut(&user).ok_or("MEMBER_NOT_FOUND")?;
        let after = member.available() + points;
        member.activate(entry, now, now);
        let deed = deed(fresh, &user, EntryKind::Activate, points, points, after);
        let deed = self.record(deed, None, now);
        self.settle(&user, now);
        Ok(deed)
    }

    pub(super) fn cancel_pending(
        &mut self,
        r: &CancelPendingRequest,
        raw: Time,
        fresh: EntryId,
    ) -> Verdict {
        let now = self.time(raw);
        let name = (!r.cause.is_empty()).then(|| format!("cancel {} {}", r.entry_id, r.cause));
        if let Some(earlier) = name.as_ref().and_then(|name| self.named.get(name)) {
            return self.deeds.get(earlier).cloned().ok_or("ENTRY_NOT_FOUND");
        }
        let (entry, user, pending) = self.pending(&r.entry_id, now)?;
        let points = if r.points == 0 { pending } else { r.points };
        if points > pending {
            return Err("EXCEEDS_PENDING");
        }
        let member = self.members.get_mut(&user).ok_or("MEMBER_NOT_FOUND")?;
        member.call_off(entry, points);
        let after = member.available();
        if let Some(original) = self.deeds.get_mut(&entry) {
            original.reversed += points;
        }
        let deed = deed(fresh, &user, EntryKind::CancelPending, points, 0, after);
        Ok(self.record(deed, name, now))
    }

    pub(super) fn transfer(&mut self, r: &TransferRequest, raw: Time, id: EntryId) -> Verdict {
        let name = name("transfer", &r.source, &r.source_event_id, &r.reason);
        if let Some(earlier) = self.earlier(name.as_ref(), &r.from_user_id, r.points) {
            let same = self.receivers.get(&earlier.as_ref().map_or(id, |deed| deed.id));
            let same = same.is_none_or(|to| *to == r.to_user_id);
            return if same { earlier } else { Err("SOURCE_EVENT_REUSED") };
        }
        let now = self.time(raw);
        self.active(&r.from_user_id, now)?;
        let receiver = self.active(&r.to_user_id, now).map_err(|refusal| match refusal {
            "MEMBER_CLOSED" => "RECEIVER_CLOSED",
            _ => "RECEIVER_NOT_FOUND",
        })?;
        let [_, _, _, _, _, _, _, pending] = receiver.totals();
        if receiver.available() + pending + r.points > LIMIT {
            return Err("BALANCE_LIMIT");
        }
        let giver = self.members.get_mut(&r.from_user_id).ok_or("MEMBER_NOT_FOUND")?;
        if giver.free() < r.points {
            return Err("INSUFFICIENT_POINTS");
        }
        let given = giver.give_away(r.points);
        let after = giver.available();
        // How lots that change hands are named decides the order among equals.
        let received = EntryId::derived(&format!("received {id}"));
        let receiver = self.members.get_mut(&r.to_user_id).ok_or("RECEIVER_NOT_FOUND")?;
        for (place, part) in given.into_iter().enumerate() {
            let lot = LotId::derived(&format!("{received} {place}"));
            receiver.receive(EntryId::from(lot.uuid()), part);
        }
        let got = receiver.available();
        let sent = deed(id, &r.from_user_id, EntryKind::TransferOut, r.points, -r.points, after);
        let kind = EntryKind::TransferIn;
        self.record(deed(received, &r.to_user_id, kind, r.points, r.points, got), None, now);
        self.receivers.insert(id, r.to_user_id.clone());
        let sent = self.record(sent, name, now);
        self.settle(&r.to_user_id, now);
        Ok(sent)
    }

    pub(super) fn correct(&mut self, r: &CorrectRequest, raw: Time, id: EntryId) -> Verdict {
        let name = name("correct", &r.source, &r.source_event_id, &r.reason);
        if let Some(earlier) = name.as_ref().and_then(|name| self.named.get(name)) {
            let deed = self.deeds.get(earlier).cloned().ok_or("ENTRY_NOT_FOUND")?;
            let same = deed.user == r.user_id && self.asked.get(earlier) == Some(&r.points);
            return if same { Ok(deed) } else { Err("SOURCE_EVENT_REUSED") };
        }
        let now = self.time(raw);
        let member = self.active(&r.user_id, now)?;
        if r.points > 0 {
            let (kind, user, points) = (EntryKind::Correction, r.user_id.clone(), r.points);
            let (at, expires_at) = (now, twelve_months(raw));
            let earned =
                self.earn(Earning { kind, id, user, points, at, expires_at, name }, raw)?;
            self.asked.insert(id, r.points);
            return Ok(earned);
        }
        let points = -r.points;
        let there = points.min(member.free());
        let missing = if r.policy() == ReversalPolicy::Unlimited { points - there } else { 0 };
        if there + missing == 0 {
            return Err("NOTHING_TO_REVERSE");
        }
        member.use_up(there, None, Fate::Gone);
        member.debt += missing;
        member.reversed += there + missing;
        let after = member.available();
        let taken = there + missing;
        let deed = deed(id, &r.user_id, EntryKind::Correction, taken, -there, after);
        self.asked.insert(id, r.points);
        Ok(self.record(Deed { debt: -missing, ..deed }, name, now))
    }
}
