//! Points that are pending, change hands, or are put right, each an object.

use super::{Model, Point, State};
use crate::domain::book::tests::*;

impl Model {
    pub(in super::super) fn earn_pending(
        &mut self,
        id: EntryId,
        points: i64,
        now: Time,
        activates: Option<Time>,
        expires: Option<Time>,
    ) {
        self.issued += points;
        self.exists = true;
        self.earned.insert(id, points);
        for _ in 0..points {
            self.put(id, expires, now, State::Pending(activates));
        }
    }

    pub(super) fn pending(&self, lot: EntryId) -> Vec<usize> {
        let waits = |p: &Point| p.lot == lot && matches!(p.state, State::Pending(_));
        (0..self.points.len()).filter(|i| waits(&self.points[*i])).collect()
    }

    pub(in super::super) fn activate(&mut self, lot: EntryId, now: Time) -> bool {
        let pending = self.pending(lot);
        for i in &pending {
            self.points[*i].state = State::Free;
        }
        if !pending.is_empty() {
            self.revive(&[lot], now);
            self.settle(now);
        }
        !pending.is_empty()
    }

    pub(in super::super) fn cancel(&mut self, lot: EntryId, points: Option<i64>) -> bool {
        let pending = self.pending(lot);
        let there = i64::try_from(pending.len()).unwrap();
        let points = points.unwrap_or(there);
        if there == 0 || points > there {
            return false;
        }
        for i in pending.into_iter().take(usize::try_from(points).unwrap()) {
            self.points[i].state = State::Reversed;
        }
        self.reversed += points;
        *self.reversed_of.entry(lot).or_default() += points;
        true
    }

    /// The dates of points given away, in the order of use.
    pub(in super::super) fn give(&mut self, points: i64) -> Option<Vec<(Option<Time>, Time)>> {
        if self.spendable() < points {
            return None;
        }
        let order = self.order(None);
        let taken = order.into_iter().take(usize::try_from(points).unwrap());
        self.transferred += points;
        Some(
            taken
                .map(|i| {
                    let p = &mut self.points[i];
                    p.state = State::Given;
                    (p.expires_at, p.earned_at)
                })
                .collect(),
        )
    }

    /// Takes in points that were given: one lot for each date.
    pub(in super::super) fn receive(
        &mut self,
        id: EntryId,
        given: &[(Option<Time>, Time)],
        now: Time,
    ) {
        for (n, group) in given.chunk_by(|a, b| a.0 == b.0).enumerate() {
            let lot = EntryId::from(LotId::derived(&format!("{id} {n}")).uuid());
            let earned_at = group.iter().map(|(_, earned_at)| *earned_at).min().unwrap();
            for (expires_at, _) in group {
                self.put(lot, *expires_at, earned_at, State::Free);
            }
            self.transferred -= i64::try_from(group.len()).unwrap();
        }
        self.settle(now);
    }

    pub(in super::super) fn correct(&mut self, id: EntryId, points: i64, now: Time) -> bool {
        if !self.exists {
            return false;
        }
        if points > 0 {
            self.earn(id, points, now, None);
            return true;
        }
        let there = self.mark(-points, None, State::Reversed);
        self.reversed += there;
        there > 0
    }
}
