//! The end of a hold: captured, given up, or timed out. Always a new entry; always only one.

use super::Book;
use crate::domain::command::{Capture, Void};
use crate::domain::{
    Allocation, Entry, EntryId, EntryKind, Hold, HoldId, HoldState, Legs, Origin, Refusal, Time,
};

impl Book {
    pub(super) fn capture(&mut self, command: &Capture) -> Result<EntryId, Refusal> {
        let hold = self.open_hold(command.hold)?;
        let points = command.points.unwrap_or(hold.points);
        if points > hold.points {
            return Err(Refusal::ExceedsHold { held: hold.points });
        }
        Ok(self.resolve(&hold, HoldState::Captured, points, Origin::default()))
    }

    pub(super) fn void(&mut self, command: &Void) -> Result<EntryId, Refusal> {
        let hold = self.open_hold(command.hold)?;
        let origin = Origin { reason: command.reason.clone(), ..Origin::default() };
        Ok(self.resolve(&hold, HoldState::Voided, 0, origin))
    }

    pub(super) fn time_out(&mut self, hold: &Hold) {
        let spent = if flawed!(TimeoutLosesPoints) { hold.points } else { 0 };
        self.resolve(hold, HoldState::TimedOut, spent, Origin::default());
    }

    /// A hold that nothing has resolved, not even its deadline.
    fn open_hold(&mut self, id: HoldId) -> Result<Hold, Refusal> {
        let user = self.holders.get(&id).cloned().ok_or(Refusal::HoldNotFound)?;
        self.settle(&user);
        let hold = self.wallets.get(&user).and_then(|wallet| wallet.hold(id));
        let hold = hold.ok_or(Refusal::HoldNotFound)?;
        match hold.state {
            HoldState::Open => Ok(hold.clone()),
            state if flawed!(SettledTwice) && state == HoldState::Captured => Ok(hold.clone()),
            state if flawed!(VoidTwice) && state != HoldState::Captured => Ok(hold.clone()),
            state => Err(Refusal::HoldResolved { state }),
        }
    }

    /// Posts the resolution: `spent` of the points are redeemed, first-expiring first, the rest
    /// comes free.
    fn resolve(&mut self, hold: &Hold, state: HoldState, spent: i64, origin: Origin) -> EntryId {
        let (spent_parts, free_parts) = split(&hold.parts, spent);
        let (kind, points, occurred_at) = match state {
            HoldState::Captured => (EntryKind::Capture, spent, self.now),
            HoldState::TimedOut => (EntryKind::Timeout, hold.points, hold.deadline),
            HoldState::Voided | HoldState::Open => (EntryKind::Void, hold.points, self.now),
        };
        let draft = self.draft(Hold::resolution_id(hold.id), kind, &hold.user, points);
        let entry = Entry {
            legs: Legs::spend(spent),
            held: -hold.points,
            allocations: spent_parts.clone(),
            hold: Some(hold.id),
            occurred_at,
            origin,
            expires_at: self.revival(&hold.user, &free_parts),
            ..draft
        };
        let id = self.record(entry);
        let wallet = self.open_wallet(&hold.user);
        for part in &hold.parts {
            wallet.change_lot(part.lot, |lot| lot.held -= part.points);
        }
        wallet.take(&spent_parts);
        wallet.resolve_hold(hold.id, state, id);
        self.revive(&hold.user, &free_parts);
        if state != HoldState::TimedOut {
            self.settle(&hold.user);
        }
        id
    }

    /// The new date of those of these points that come back after theirs; `None` when none do, or
    /// there is no grace.
    pub(super) fn revival(&self, user: &str, parts: &[Allocation]) -> Option<Time> {
        let wallet = self.wallets.get(user)?;
        let dead = |part: &Allocation| wallet.lot(part.lot).is_some_and(|l| l.is_dead(self.now));
        let open = wallet.account().closed_at.is_none();
        self.grace().filter(|_| open && parts.iter().any(dead))
    }

    /// Gives points that come back after their date some more days, in the member's favour.
    pub(super) fn revive(&mut self, user: &str, parts: &[Allocation]) {
        let (now, notice) = (self.now, self.notice.at_first());
        let Some(date) = self.revival(user, parts) else { return };
        let wallet = self.open_wallet(user);
        for part in parts {
            if wallet.lot(part.lot).is_some_and(|lot| lot.is_dead(now)) {
                wallet.change_lot(part.lot, |lot| lot.redate(Some(date), notice));
            }
        }
    }
}

/// The first `points` of the parts, and the rest.
fn split(parts: &[Allocation], points: i64) -> (Vec<Allocation>, Vec<Allocation>) {
    let mut left = points;
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for part in parts {
        let take = part.points.min(left);
        left -= take;
        if take > 0 {
            first.push(Allocation { points: take, ..*part });
        }
        if take < part.points {
            rest.push(Allocation { points: part.points - take, ..*part });
        }
    }
    (first, rest)
}
