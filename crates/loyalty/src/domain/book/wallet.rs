//! One member's accounts, lots and holds in memory, and which of them changed.

use super::Changes;
use crate::domain::lot::SpendKey;
use crate::domain::{
    Account, Allocation, Entry, EntryId, EntryKind, Hold, HoldId, HoldState, Lot, LotId, Time,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is known of one member.
pub struct Wallet {
    account: Account,
    whole: bool,
    booked: bool,
    lots: BTreeMap<SpendKey, Lot>,
    keys: HashMap<LotId, SpendKey>,
    holds: BTreeMap<HoldId, Hold>,
    changed_lots: BTreeSet<LotId>,
    changed_holds: BTreeSet<HoldId>,
}

impl Wallet {
    pub(super) fn new(account: Account, whole: bool) -> Self {
        Self {
            account,
            whole,
            booked: false,
            lots: BTreeMap::new(),
            keys: HashMap::new(),
            holds: BTreeMap::new(),
            changed_lots: BTreeSet::new(),
            changed_holds: BTreeSet::new(),
        }
    }

    /// The accounts.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The loaded lots in the order of use.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// The loaded holds.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    pub(super) fn load_lot(&mut self, lot: Lot) {
        self.keys.insert(lot.id, lot.spend_key());
        self.lots.insert(lot.spend_key(), lot);
    }

    pub(super) fn load_hold(&mut self, hold: Hold) {
        self.holds.insert(hold.id, hold);
    }

    /// Books an entry; answers the member's points after it.
    pub(super) fn book(&mut self, entry: &Entry) -> i64 {
        if !(flawed!(LostUpdate) && self.booked && entry.kind == EntryKind::Earn) {
            self.account.book(&entry.legs, entry.held);
        }
        self.booked = true;
        self.account.available
    }

    pub(super) fn close(&mut self, at: Time) {
        self.account.closed_at.get_or_insert(at);
        self.booked = true;
    }

    /// A loaded lot.
    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        self.keys.get(&id).and_then(|key| self.lots.get(key))
    }

    pub(super) fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    /// Puts a new lot in.
    pub(super) fn put_lot(&mut self, lot: Lot) {
        self.changed_lots.insert(lot.id);
        self.load_lot(lot);
    }

    /// Changes a lot; its place in the order of use may change with it.
    pub(super) fn change_lot(&mut self, id: LotId, change: impl FnOnce(&mut Lot)) {
        if let Some(mut lot) = self.keys.get(&id).and_then(|key| self.lots.remove(key)) {
            change(&mut lot);
            self.put_lot(lot);
        }
    }

    pub(super) fn put_hold(&mut self, hold: Hold) {
        self.changed_holds.insert(hold.id);
        self.load_hold(hold);
    }

    pub(super) fn resolve_hold(&mut self, id: HoldId, state: HoldState, by: EntryId) {
        if let Some(hold) = self.holds.get_mut(&id) {
            hold.state = state;
            hold.resolved_by = Some(by);
            self.changed_holds.insert(id);
        }
    }

    /// Up to `points` that can be spent now, from the lots that expire first; those of `own` come
    /// before all others.
    pub(super) fn pick(&self, points: i64, now: Time, own: Option<LotId>) -> Vec<Allocation> {
        let own_lot = own.and_then(|id| self.lot(id));
        let others = self.lots.values().filter(|lot| Some(lot.id) != own);
        let mut left = points;
        let mut parts = Vec::new();
        for lot in own_lot.into_iter().chain(others) {
            if left == 0 {
                break;
            }
            let take = lot.spendable(now).min(left);
            if take > 0 {
                parts.push(Allocation { lot: lot.id, points: take });
                left -= take;
            }
        }
        parts
    }

    /// Takes points out of lots for good.
    pub(super) fn take(&mut self, parts: &[Allocation]) {
        for part in parts {
            self.change_lot(part.lot, |lot| lot.remaining -= part.points);
        }
    }

    /// Whether the accounts are the sum of the lots, as they always are in one state of the ledger.
    pub fn adds_up(&self) -> bool {
        self.verify().is_ok()
    }

    /// What is wrong, if anything: the accounts are negative, or are not the sum of the lots.
    pub(super) fn verify(&self) -> Result<(), String> {
        let a = &self.account;
        let smallest = [a.available, a.held, a.escrow, a.debt, a.issued, a.redeemed, a.expired];
        if smallest.iter().chain([&a.reversed]).any(|n| *n < 0) {
            return Err("an account is negative".to_owned());
        }
        let sound = |lot: &Lot| 0 <= lot.held && lot.held <= lot.remaining && 0 <= lot.pending;
        let fits = |lot: &Lot| lot.remaining + lot.pending <= lot.amount;
        if !self.lots.values().all(|lot| sound(lot) && fits(lot)) {
            return Err("a lot is outside its bounds".to_owned());
        }
        let sum = |of: fn(&Lot) -> i64| self.lots.values().map(of).sum::<i64>();
        let [remaining, held] = [sum(|l| l.remaining), sum(|l| l.held)];
        let pending = sum(|l| l.pending);
        if self.whole && (remaining, held, pending) != (a.available, a.held, a.escrow) {
            return Err("the accounts are not the sum of the lots".to_owned());
        }
        Ok(())
    }

    pub(super) fn collect(mut self, changes: &mut Changes) {
        for id in &self.changed_lots {
            changes.lots.extend(self.keys.get(id).and_then(|key| self.lots.remove(key)));
        }
        changes.holds.extend(self.changed_holds.iter().filter_map(|id| self.holds.remove(id)));
        if self.booked {
            changes.accounts.push(self.account);
        }
    }
}
