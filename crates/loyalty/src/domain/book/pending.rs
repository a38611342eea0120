//! Points that are not active yet: issuer -> escrow, then escrow -> available or escrow -> reversed.
//!
//! The lot of such an earning knows its pending part. Nothing uses that part and it does not expire;
//! becoming active, it is like points that come free: a debt is paid off first.

use super::Book;
use crate::domain::command::{Activate, CancelPending, EarnPending};
use crate::domain::{
    Allocation, Entry, EntryId, EntryKind, Legs, Lot, LotId, Origin, Refusal, Time,
};

impl Book {
    pub(super) fn earn_pending(&mut self, command: &EarnPending) -> Result<EntryId, Refusal> {
        let earn = &command.earn;
        if self.applied(earn.id, &earn.user, earn.points)? {
            return Ok(earn.id);
        }
        self.must_lie_ahead(earn.must_lie_ahead, earn.expires_at)?;
        self.receiver(&earn.user, earn.points)?;
        let entry = Entry {
            legs: Legs::earn_pending(earn.points),
            occurred_at: earn.occurred_at,
            expires_at: earn.expires_at,
            activates_at: command.activates_at,
            origin: earn.origin.clone(),
            ..self.draft(earn.id, EntryKind::EarnPending, &earn.user, earn.points)
        };
        let lot = Lot {
            amount: earn.points,
            pending: earn.points,
            activates_at: command.activates_at,
            ..self.new_lot(&entry)
        };
        let id = self.record(entry);
        self.open_wallet(&earn.user).put_lot(lot);
        self.asked_for(&earn.user, id, earn.must_lie_ahead);
        Ok(id)
    }

    pub(super) fn activate(&mut self, command: &Activate) -> Result<EntryId, Refusal> {
        let lot = self.pending_lot(command.entry)?;
        let id = self.make_active(&lot, self.now);
        self.settle(&lot.user);
        Ok(id)
    }

    pub(super) fn cancel_pending(&mut self, command: &CancelPending) -> Result<EntryId, Refusal> {
        if let Some(earlier) = self.entry(command.id) {
            // The same cause again: one cancellation.
            return Ok(earlier.id);
        }
        let lot = self.pending_lot(command.entry)?;
        let points = command.points.unwrap_or(lot.pending);
        if points > lot.pending {
            return Err(Refusal::ExceedsPending { pending: lot.pending });
        }
        Ok(self.call_off(&lot, command.id, points, command.origin.clone()))
    }

    /// Makes active what became due by itself, in the order of time.
    pub(super) fn activate_ripe(&mut self, user: &str) {
        let now = self.now;
        let Some(wallet) = self.wallets.get(user) else { return };
        let mut ripe: Vec<Lot> = wallet.lots().filter(|lot| lot.is_ripe(now)).cloned().collect();
        ripe.sort_by_key(|lot| (lot.activates_at, lot.id));
        for lot in ripe {
            self.make_active(&lot, lot.activates_at.unwrap_or(now));
        }
    }

    /// Calls off everything that is pending of a member who is leaving.
    pub(super) fn call_off_all(&mut self, user: &str) {
        let Some(wallet) = self.wallets.get(user) else { return };
        let pending: Vec<Lot> = wallet.lots().filter(|lot| lot.pending > 0).cloned().collect();
        for lot in pending {
            let id = self.own_id("cancel");
            self.call_off(&lot, id, lot.pending, Origin::default());
        }
    }

    /// The lot of a pending earning, with everything that fell due written down.
    fn pending_lot(&mut self, id: EntryId) -> Result<Lot, Refusal> {
        let entry = self.entry(id).ok_or(Refusal::EntryNotFound)?;
        let (kind, user) = (entry.kind, entry.user.clone());
        let wallet = self.settled(&user)?;
        let lot = wallet.lot(LotId::from(id.uuid())).filter(|lot| lot.pending > 0);
        let lot = lot.filter(|_| kind == EntryKind::EarnPending);
        lot.cloned().ok_or(Refusal::NotPending)
    }

    /// escrow -> available, all that is pending of a lot. Points that waited until after their date
    /// are good for some days more, in the member's favour.
    fn make_active(&mut self, lot: &Lot, at: Time) -> EntryId {
        let late = lot.is_dead(at);
        let expires_at = if late { self.grace().or(lot.expires_at) } else { lot.expires_at };
        let entry = EntryId::from(lot.id.uuid());
        let entry = Entry {
            legs: Legs::activate(lot.pending),
            allocations: vec![Allocation { lot: lot.id, points: lot.pending }],
            occurred_at: at,
            expires_at,
            ..self.draft(Activate::id_for(entry), EntryKind::Activate, &lot.user, lot.pending)
        };
        let (id, notice) = (self.record(entry), self.notice.at_first());
        self.open_wallet(&lot.user).change_lot(lot.id, |lot| {
            lot.remaining += lot.pending;
            lot.pending = 0;
            if lot.expires_at != expires_at {
                lot.redate(expires_at, notice);
            }
        });
        id
    }

    /// escrow -> reversed.
    fn call_off(&mut self, lot: &Lot, id: EntryId, points: i64, origin: Origin) -> EntryId {
        let earned = EntryId::from(lot.id.uuid());
        let entry = Entry {
            legs: Legs::cancel_pending(points),
            allocations: vec![Allocation { lot: lot.id, points }],
            reverses: Some(earned),
            origin,
            ..self.draft(id, EntryKind::CancelPending, &lot.user, points)
        };
        let id = self.record(entry);
        self.open_wallet(&lot.user).change_lot(lot.id, |lot| lot.pending -= points);
        *self.reversed.entry(earned).or_default() += points;
        id
    }
}
