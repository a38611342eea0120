//! Points spent in one step, or set aside.

use super::{Book, Wallet};
use crate::domain::command::{PlaceHold, Spend};
use crate::domain::{
    Allocation, Entry, EntryId, EntryKind, Hold, HoldId, HoldState, Legs, Refusal, Time,
};

/// Exactly `points` that can be spent now, from the lots that expire first.
pub(super) fn pick_all(
    wallet: &Wallet,
    points: i64,
    now: Time,
) -> Result<Vec<Allocation>, Refusal> {
    let parts = wallet.pick(points, now, None);
    let spendable = parts.iter().map(|part| part.points).sum();
    if spendable < points && !flawed!(GiftsUnchecked) {
        return Err(Refusal::Insufficient { spendable });
    }
    Ok(parts)
}

impl Book {
    pub(super) fn spend(&mut self, command: &Spend) -> Result<EntryId, Refusal> {
        if self.applied(command.id, &command.user, command.points)? {
            return Ok(command.id);
        }
        let now = self.now;
        let wallet = self.settled(&command.user)?;
        let parts = pick_all(wallet, command.points, now)?;
        wallet.take(&parts);
        let draft = self.draft(command.id, EntryKind::Spend, &command.user, command.points);
        Ok(self.record(Entry {
            legs: Legs::spend(command.points),
            allocations: parts,
            origin: command.origin.clone(),
            ..draft
        }))
    }

    pub(super) fn hold(&mut self, command: &PlaceHold) -> Result<EntryId, Refusal> {
        if self.applied(command.id, &command.user, command.points)? {
            return Ok(command.id);
        }
        let now = self.now;
        let wallet = self.settled(&command.user)?;
        let parts = pick_all(wallet, command.points, now)?;
        for part in &parts {
            wallet.change_lot(part.lot, |lot| lot.held += part.points);
        }
        let id = HoldId::from(command.id.uuid());
        wallet.put_hold(Hold {
            id,
            user: command.user.clone(),
            points: command.points,
            deadline: now.checked_add_signed(command.timeout).unwrap_or(Time::MAX_UTC),
            state: HoldState::Open,
            parts: parts.clone(),
            resolved_by: None,
        });
        self.holders.insert(id, command.user.clone());
        let draft = self.draft(command.id, EntryKind::Hold, &command.user, command.points);
        Ok(self.record(Entry {
            held: command.points,
            allocations: parts,
            hold: Some(id),
            origin: command.origin.clone(),
            ..draft
        }))
    }
}
