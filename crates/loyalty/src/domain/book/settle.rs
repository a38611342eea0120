//! What time alone does: holds run out, lots expire, and points that come free pay off a debt.
//!
//! Every command but an earning settles its member first, so nothing can be spent after its date
//! whether or not a job ran; the jobs call the same code.

use super::Book;
use crate::domain::{Allocation, Entry, EntryId, EntryKind, Hold, Legs, Lot, Time};

impl Book {
    /// Writes down everything that fell due for a member.
    pub fn settle(&mut self, user: &str) {
        let now = self.now;
        let Some(wallet) = self.wallets.get(user) else { return };
        let due: Vec<Hold> = wallet.holds().filter(|hold| hold.is_due(now)).cloned().collect();
        for hold in &due {
            self.time_out(hold);
        }
        self.expire_lots(user);
        self.set_off(user);
    }

    /// Ends a membership: what is left expires, and nothing can be earned or spent any more. Open
    /// holds stay open: what they pay for was promised.
    pub fn close(&mut self, user: &str) {
        let now = self.now;
        if self.wallets.contains_key(user) {
            self.open_wallet(user).close(now);
            self.settle(user);
        }
    }

    /// available -> expired, one entry for each date.
    fn expire_lots(&mut self, user: &str) {
        let now = self.now;
        let Some(wallet) = self.wallets.get(user) else { return };
        let closed = wallet.account().closed_at.is_some();
        let gone = |lot: &&Lot| lot.free() > 0 && (closed || lot.is_dead(now));
        let mut dates: Vec<(Time, Vec<Allocation>)> = Vec::new();
        for lot in wallet.lots().take_while(|lot| closed || lot.is_dead(now)).filter(gone) {
            let part = Allocation { lot: lot.id, points: lot.free() };
            let date = lot.expires_at.filter(|at| *at <= now).unwrap_or(now);
            match dates.last_mut().filter(|(last, _)| *last == date) {
                Some((_, parts)) => parts.push(part),
                None => dates.push((date, vec![part])),
            }
        }
        for (date, parts) in dates {
            self.expire(user, date, parts);
        }
    }

    fn expire(&mut self, user: &str, date: Time, parts: Vec<Allocation>) {
        let points = parts.iter().map(|part| part.points).sum();
        let wallet = self.open_wallet(user);
        wallet.take(&parts);
        for part in &parts {
            wallet.change_lot(part.lot, |lot| lot.expired += part.points);
        }
        let draft = self.draft(self.own_id("expire"), EntryKind::Expire, user, points);
        let legs = Legs::expire(points);
        self.record(Entry { legs, allocations: parts, occurred_at: date, ..draft });
    }

    /// available -> debt.
    fn set_off(&mut self, user: &str) {
        let now = self.now;
        let Some(wallet) = self.wallets.get_mut(user) else { return };
        let parts = wallet.pick(wallet.account().debt, now, None);
        let points = parts.iter().map(|part| part.points).sum();
        if points == 0 {
            return;
        }
        wallet.take(&parts);
        let draft = self.draft(self.own_id("set-off"), EntryKind::SetOff, user, points);
        self.record(Entry { legs: Legs::set_off(points), allocations: parts, ..draft });
    }

    /// The id of an entry that the ledger makes by itself, in the place that comes next.
    fn own_id(&self, what: &str) -> EntryId {
        EntryId::derived(&format!("{what} {}", self.seq + 1))
    }
}
