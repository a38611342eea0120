//! Which lots were used and which expired, and whether it was their turn; which entry may stand for
//! a business event.

use super::{Auditor, Rebuilt};
use crate::domain::book::CLOSED;
use crate::domain::lot::SpendKey;
use crate::domain::{Allocation, Entry, EntryKind, LotId, Notice, Time};

impl Rebuilt {
    fn spend_key(&self, id: LotId) -> SpendKey {
        (self.expires_at.is_none(), self.expires_at, self.earned_at, id)
    }

    fn is_past(&self, at: Time) -> bool {
        self.expires_at.is_some_and(|date| date <= at)
    }
}

impl Auditor {
    /// Puts a lot into the order of use.
    pub(super) fn put(&mut self, id: LotId, lot: Rebuilt) {
        self.open.entry(lot.user.clone()).or_default().insert(lot.spend_key(id), id);
        self.lots.insert(id, lot);
    }

    /// An entry for a business event has the id that is derived from the event, so that the event
    /// can never have a second one.
    pub(super) fn judge_id(&mut self, entry: &Entry) {
        let named = matches!(
            entry.kind,
            EntryKind::Earn
                | EntryKind::Spend
                | EntryKind::Hold
                | EntryKind::EarnPending
                | EntryKind::TransferOut
                | EntryKind::Correction
        );
        let (seq, id) = (entry.seq, entry.id);
        let derived =
            !named || entry.reverses.is_some() || { entry.origin.entry_id(entry.kind, id) == id };
        self.require(derived, || format!("I7: entry {seq} has another id than its business event"));
    }

    /// What was used was what expires first, and nothing of it was past its date.
    pub(super) fn judge_order(&mut self, entry: &Entry) {
        use EntryKind::{Hold, SetOff, Spend, TransferOut};
        if !matches!(entry.kind, Hold | SetOff | Spend | TransferOut) {
            return;
        }
        let (seq, at) = (entry.seq, entry.recorded_at);
        let mut left = entry.points;
        let mut turn: Vec<Allocation> = Vec::new();
        for id in self.open.get(&entry.user).into_iter().flat_map(|open| open.values()) {
            let Some(lot) = self.lots.get(id) else { continue };
            if lot.undated {
                return;
            }
            let points = (lot.remaining - lot.held).min(left);
            if points > 0 && !lot.is_past(at) {
                turn.push(Allocation { lot: *id, points });
                left -= points;
            }
        }
        self.require(turn == entry.allocations, || {
            format!("I13: entry {seq} used lots whose turn it was not")
        });
    }

    /// What expired was past its date, or its member was erased, and the entry says on what notice.
    pub(super) fn judge_expiry(&mut self, entry: &Entry) {
        if entry.kind != EntryKind::Expire {
            return;
        }
        let (seq, at, reason) = (entry.seq, entry.recorded_at, entry.origin.reason.as_str());
        let past = |part: &Allocation| {
            self.lots.get(&part.lot).is_none_or(|lot| lot.undated || lot.is_past(at))
        };
        if !entry.allocations.iter().all(past) {
            self.early.push((entry.user.clone(), at, seq));
        }
        if reason == Notice::HandedOver.reason() {
            self.warned.extend(entry.allocations.iter().map(|part| (part.lot, at, seq)));
        }
        let holding = Notice::ALL.into_iter().filter(|notice| notice.holds());
        let known = holding.map(Notice::reason).chain([CLOSED]).any(|known| known == reason);
        self.require(known || seq < self.chained_from, || {
            format!("I14: points expired in entry {seq} without a notice")
        });
    }

    /// Lots that begin with points of another member keep their dates, which the entry says, and
    /// their places in the order of use.
    pub(super) fn hand_on(&mut self, entry: &Entry) {
        let Some(transfer) = entry.transfer else { return };
        if entry.kind == EntryKind::TransferOut {
            let lots = entry.allocations.iter().filter_map(|part| self.lots.get(&part.lot));
            let given = lots.map(|lot| (lot.expires_at, lot.earned_at)).collect();
            self.given.insert(transfer, given);
            return;
        }
        let given = self.given.remove(&transfer).unwrap_or_default();
        for part in &entry.allocations {
            let date = entry.origin.facts.get(&part.lot.to_string());
            let expires_at = date.and_then(|date| date.parse().ok());
            let same = given.iter().filter(|(date, _)| *date == expires_at);
            let lot = Rebuilt {
                user: entry.user.clone(),
                entry_seq: entry.seq,
                earned_at: same.map(|(_, earned_at)| *earned_at).min().unwrap_or_default(),
                expires_at,
                ..Rebuilt::default()
            };
            self.put(part.lot, lot);
        }
    }

    /// Lots that an entry gave another date, and lots that are used up.
    pub(super) fn redate(&mut self, entry: &Entry) {
        let (at, chained) = (entry.recorded_at, entry.seq >= self.chained_from);
        let back = match entry.kind {
            EntryKind::Extend | EntryKind::ReverseSpend | EntryKind::Activate => {
                entry.allocations.clone()
            }
            // What a hold had reserved, as far as the capture did not spend it.
            EntryKind::Capture | EntryKind::Void | EntryKind::Timeout => {
                let hold = entry.hold.and_then(|id| self.holds.get(&id));
                hold.map(|(hold, _)| hold.parts.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let spent = |part: &Allocation| {
            entry.kind == EntryKind::Capture && entry.allocations.contains(part)
        };
        for part in back.iter().filter(|part| !spent(part)) {
            let Some(lot) = self.lots.get_mut(&part.lot) else { continue };
            let moved = entry.kind == EntryKind::Extend || lot.is_past(at);
            let key = lot.spend_key(part.lot);
            match entry.expires_at.filter(|_| moved) {
                Some(date) => lot.expires_at = Some(date),
                None if moved && !chained => lot.undated = true,
                None => {}
            }
            let (key_now, user) = (lot.spend_key(part.lot), &lot.user);
            if let Some(open) = self.open.get_mut(user) {
                open.remove(&key);
                open.insert(key_now, part.lot);
            }
        }
        for part in &entry.allocations {
            let Some(lot) = self.lots.get(&part.lot).filter(|lot| lot.remaining == 0) else {
                continue;
            };
            if let Some(open) = self.open.get_mut(&lot.user) {
                open.remove(&lot.spend_key(part.lot));
            }
        }
    }

    /// Lots that expired on the strength of a warning: which, by when, in which entry.
    pub fn take_warned(&mut self) -> Vec<(LotId, Time, i64)> {
        std::mem::take(&mut self.warned)
    }
}
