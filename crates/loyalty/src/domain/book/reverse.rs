//! Entries taken back, in full or in part, by new entries linked to them. All reversals of an
//! entry together never exceed it (reference, S6).

use super::Book;
use crate::domain::command::Reverse;
use crate::domain::rules::ReversalPolicy;
use crate::domain::{Allocation, Entry, EntryId, EntryKind, Legs, LotId, Refusal};

impl Book {
    pub(super) fn reverse(&mut self, command: &Reverse) -> Result<EntryId, Refusal> {
        if let Some(earlier) = self.entry(command.id) {
            // The same cause again: one reversal.
            return Ok(earlier.id);
        }
        let original = self.entry(command.entry).cloned().ok_or(Refusal::EntryNotFound)?;
        self.settled(&original.user)?;
        let id = match original.kind {
            EntryKind::Earn | EntryKind::EarnPending => self.claw_back(command, &original),
            EntryKind::Correction if original.legs.issuer < 0 => self.claw_back(command, &original),
            EntryKind::Spend | EntryKind::Capture => self.give_back(command, &original),
            EntryKind::ReverseEarn | EntryKind::Correction => self.earn_anew(command, &original),
            kind => Err(Refusal::NotReversible { kind }),
        }?;
        let points = self.entry(id).map_or(0, |entry| entry.points);
        *self.reversed.entry(original.id).or_default() += points;
        self.settle(&original.user);
        Ok(id)
    }

    /// How many points to reverse: what is asked for, of what is left.
    fn wanted(&self, command: &Reverse, original: &Entry, gone: i64) -> Result<i64, Refusal> {
        let done = self.reversed.get(&original.id).copied().unwrap_or(0);
        let left = original.points - done;
        let reversible = (left - gone).max(0);
        let asked = command.points.unwrap_or(left);
        if asked > left && !command.up_to {
            return Err(Refusal::ExceedsOriginal { reversible });
        }
        match asked.min(reversible) {
            0 => Err(Refusal::NothingToReverse),
            points => Ok(points),
        }
    }

    fn reversal(&self, command: &Reverse, kind: EntryKind, original: &Entry, points: i64) -> Entry {
        Entry {
            reverses: Some(original.id),
            origin: command.origin.clone(),
            ..self.draft(command.id, kind, &original.user, points)
        }
    }

    /// escrow -> reversed as far as it is pending; available -> reversed from the lot of the earning, then from the lots that expire first; what
    /// is missing was spent: debt -> reversed. Points of the lot that expired are left out: the
    /// member never had any use of them.
    fn claw_back(&mut self, command: &Reverse, original: &Entry) -> Result<EntryId, Refusal> {
        let own = LotId::from(original.id.uuid());
        let now = self.now;
        let wallet = self.open_wallet(&original.user);
        let expired = wallet.lot(own).map_or(0, |lot| lot.expired);
        let wanted = self.wanted(command, original, expired)?;
        let wallet = self.open_wallet(&original.user);
        let pending = wallet.lot(own).map_or(0, |lot| lot.pending).min(wanted);
        let active = wanted - pending;
        let parts = match command.policy {
            ReversalPolicy::OnlyPending => Vec::new(),
            ReversalPolicy::WithinBalance | ReversalPolicy::Unlimited => {
                wallet.pick(active, now, Some(own))
            }
        };
        let there: i64 = parts.iter().map(|part| part.points).sum();
        let missing = match command.policy {
            ReversalPolicy::Unlimited => active - there,
            ReversalPolicy::OnlyPending | ReversalPolicy::WithinBalance => 0,
        };
        let points = pending + there + missing;
        if points == 0 {
            return Err(Refusal::NothingToReverse);
        }
        wallet.change_lot(own, |lot| lot.pending -= pending);
        wallet.take(&parts);
        let entry = self.reversal(command, EntryKind::ReverseEarn, original, points);
        let first = (pending > 0).then_some(Allocation { lot: own, points: pending });
        let allocations = first.into_iter().chain(parts).collect();
        let legs = Legs::reverse_earn(pending, there, missing);
        Ok(self.record(Entry { legs, allocations, ..entry }))
    }

    /// redeemed -> available, back into the lots the points came from: those taken last first, as
    /// if less had been spent in the first place.
    fn give_back(&mut self, command: &Reverse, original: &Entry) -> Result<EntryId, Refusal> {
        let wanted = self.wanted(command, original, 0)?;
        let done = self.reversed.get(&original.id).copied().unwrap_or(0);
        let parts = last_parts(&original.allocations, done, wanted);
        let entry = Entry {
            expires_at: self.revival(&original.user, &parts),
            ..self.reversal(command, EntryKind::ReverseSpend, original, wanted)
        };
        let id =
            self.record(Entry { legs: Legs::spend(-wanted), allocations: parts.clone(), ..entry });
        let wallet = self.open_wallet(&original.user);
        for part in &parts {
            wallet.change_lot(part.lot, |lot| lot.remaining += part.points);
        }
        self.revive(&original.user, &parts);
        Ok(id)
    }

    /// The reversal of a reversal is a new earning with a link.
    fn earn_anew(&mut self, command: &Reverse, original: &Entry) -> Result<EntryId, Refusal> {
        let wanted = self.wanted(command, original, 0)?;
        let entry = self.reversal(command, EntryKind::Earn, original, wanted);
        self.give(Entry { expires_at: command.expires_at, ..entry })
    }
}

/// `points` of the parts from the end, after leaving out the last `skip`.
fn last_parts(parts: &[Allocation], skip: i64, points: i64) -> Vec<Allocation> {
    let (mut skip, mut left) = (if flawed!(CancelMixesLots) { 0 } else { skip }, points);
    let mut found = Vec::new();
    for part in parts.iter().rev() {
        let skipped = part.points.min(skip);
        skip -= skipped;
        let take = (part.points - skipped).min(left);
        left -= take;
        if take > 0 {
            found.push(Allocation { points: take, ..*part });
        }
    }
    found
}
