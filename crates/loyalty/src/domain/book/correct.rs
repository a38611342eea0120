//! A number put right: never an edit, always an entry of its own with a reason and two names.

use super::Book;
use crate::domain::command::Correct;
use crate::domain::rules::ReversalPolicy;
use crate::domain::{Entry, EntryId, EntryKind, Legs, Refusal};

impl Book {
    pub(super) fn correct(&mut self, command: &Correct) -> Result<EntryId, Refusal> {
        if let Some(earlier) = self.entry(command.id) {
            // What was asked for, not what was there to be taken, is the event.
            let same =
                |fact: &str| earlier.origin.facts.get(fact) == command.origin.facts.get(fact);
            return match () {
                () if earlier.user != command.user => {
                    Err(Refusal::SourceEventReused { field: "user_id" })
                }
                () if !same("asked") => Err(Refusal::SourceEventReused { field: "points" }),
                () => Ok(command.id),
            };
        }
        self.settled(&command.user)?;
        let points = command.points.saturating_abs();
        let draft = self.draft(command.id, EntryKind::Correction, &command.user, points);
        let entry = Entry { origin: command.origin.clone(), ..draft };
        if command.points > 0 {
            self.must_lie_ahead(command.must_lie_ahead, command.expires_at)?;
            let id = self.give(Entry { expires_at: command.expires_at, ..entry })?;
            self.asked_for(&command.user, id, command.must_lie_ahead);
            return Ok(id);
        }
        let now = self.now;
        let wallet = self.open_wallet(&command.user);
        let parts = wallet.pick(points, now, None);
        let there: i64 = parts.iter().map(|part| part.points).sum();
        let missing = match command.policy {
            ReversalPolicy::Unlimited => points - there,
            ReversalPolicy::OnlyPending | ReversalPolicy::WithinBalance => 0,
        };
        if there + missing == 0 {
            return Err(Refusal::NothingToReverse);
        }
        wallet.take(&parts);
        let legs = Legs::reverse_earn(0, there, missing);
        Ok(self.record(Entry { points: there + missing, legs, allocations: parts, ..entry }))
    }
}
