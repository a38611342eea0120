//! What time alone does: holds run out, pending points become active, lots expire,
//! and points that come free pay off a debt.
//!
//! Every command but an earning settles its member first, so nothing can be spent after its date
//! whether or not a job ran; the jobs call the same code.

use super::Book;
use crate::domain::{
    Allocation, Entry, EntryId, EntryKind, Hold, Legs, Lot, LotId, Notice, Origin, Time,
};

/// The reason for which points expire when their holder is erased.
pub const CLOSED: &str = "CLOSED";
/// The fact of an extension that says what the date was.
pub const FORMER: &str = "former_expire_time";

impl Book {
    /// Writes down everything that fell due for a member.
    pub fn settle(&mut self, user: &str) {
        let now = self.now;
        let Some(wallet) = self.wallets.get(user) else { return };
        let due: Vec<Hold> = wallet.holds().filter(|hold| hold.is_due(now)).cloned().collect();
        for hold in &due {
            self.time_out(hold);
        }
        self.activate_ripe(user);
        self.expire_lots(user);
        self.set_off(user);
    }

    /// Ends a membership: what is pending is called off, what is left expires, and nothing can be
    /// earned or spent any more. Open holds stay open: what they pay for was promised.
    pub fn close(&mut self, user: &str) {
        let now = self.now;
        if self.wallets.contains_key(user) {
            // What became active before is the member's, as if a job had written it down in time.
            self.activate_ripe(user);
            self.call_off_all(user);
            self.open_wallet(user).close(now);
            self.settle(user);
        }
    }

    /// The warning for a lot's date was handed over, or what else became of it. A date that comes
    /// too soon after the hand-over is put off.
    pub fn warned(&mut self, user: &str, lot: LotId, notice: Notice, at: Time) {
        let (policy, zone) = (self.notice, self.zone);
        let Some(wallet) = self.wallets.get_mut(user) else { return };
        let Some(date) =
            wallet.lot(lot).filter(|lot| !lot.notice.holds()).and_then(|l| l.expires_at)
        else {
            return;
        };
        if notice != Notice::HandedOver || policy.in_time(at, date, zone) {
            return wallet.change_lot(lot, |lot| lot.notice = notice);
        }
        wallet.change_lot(lot, |lot| lot.notice = Notice::Late);
        if let Some(later) = policy.after_warning(at, zone).filter(|later| *later > date) {
            self.extend(user, lot, later, Notice::HandedOver);
        }
    }

    /// Lots past their date: available -> expired, one entry for each date and notice. Those whose
    /// holder was not warned are extended instead.
    fn expire_lots(&mut self, user: &str) {
        let (now, policy, zone) = (self.now, self.notice, self.zone);
        let Some(wallet) = self.wallets.get(user) else { return };
        let closed = wallet.account().closed_at.is_some();
        let gone = |lot: &&Lot| lot.free() > 0 && (closed || lot.is_dead(now));
        let mut dates: Vec<(Time, &'static str, Vec<Allocation>)> = Vec::new();
        let mut unwarned = Vec::new();
        for lot in wallet.lots().take_while(|lot| closed || lot.is_dead(now)).filter(gone) {
            let reason = if lot.is_dead(now) && lot.notice.holds() {
                lot.notice.reason()
            } else if closed {
                CLOSED
            } else if let Some(later) = policy.extension(lot, now, zone) {
                unwarned.push((lot.id, later));
                continue;
            } else {
                Notice::GivenUp.reason()
            };
            let part = Allocation { lot: lot.id, points: lot.free() };
            let date = lot.expires_at.filter(|at| *at <= now).unwrap_or(now);
            match dates.last_mut().filter(|(last, why, _)| (*last, *why) == (date, reason)) {
                Some((.., parts)) => parts.push(part),
                None => dates.push((date, reason, vec![part])),
            }
        }
        for (date, reason, parts) in dates {
            self.expire(user, date, reason, parts);
        }
        for (lot, later) in unwarned {
            self.extend(user, lot, later, policy.at_first());
        }
    }

    fn expire(&mut self, user: &str, date: Time, reason: &str, parts: Vec<Allocation>) {
        let points = parts.iter().map(|part| part.points).sum();
        let wallet = self.open_wallet(user);
        wallet.take(&parts);
        for part in &parts {
            wallet.change_lot(part.lot, |lot| lot.expired += part.points);
        }
        let draft = self.draft(self.own_id("expire"), EntryKind::Expire, user, points);
        let origin = Origin { reason: reason.to_owned(), ..Origin::default() };
        let legs = Legs::expire(points);
        self.record(Entry { legs, allocations: parts, occurred_at: date, origin, ..draft });
    }

    /// Gives a lot a later date. Moves nothing; the entry says which lot, why, and what its date
    /// was, so that dates can be rebuilt from the ledger as well.
    fn extend(&mut self, user: &str, lot: LotId, later: Time, notice: Notice) {
        let wallet = self.open_wallet(user);
        let Some(kept) = wallet.lot(lot).cloned() else { return };
        let Some(former) = kept.expires_at else { return };
        let reason = kept.notice.reason().to_owned();
        wallet.change_lot(lot, |lot| {
            lot.redate(Some(later), notice);
            lot.extended_from.get_or_insert(former);
        });
        let facts = [(FORMER.to_owned(), former.to_rfc3339())].into();
        let draft = self.draft(self.own_id("extend"), EntryKind::Extend, user, kept.remaining);
        self.record(Entry {
            allocations: vec![Allocation { lot, points: kept.remaining }],
            origin: Origin { reason, facts, ..Origin::default() },
            expires_at: Some(later),
            ..draft
        });
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
    pub(super) fn own_id(&self, what: &str) -> EntryId {
        EntryId::derived(&format!("{what} {}", self.seq + 1))
    }
}
