//! What the oracle knows of one member.
//!
//! Points are objects here: a chunk is points of one lot that have shared one fate so far. What to
//! take is found by looking at all of them.

use crate::domain::{EntryId, Time};
use chrono::{Days, NaiveTime, TimeDelta};
use std::collections::BTreeMap;

/// What became of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Free,
    Held(EntryId),
    Spent(EntryId),
    Expired,
    /// Taken back, or used to pay off a debt.
    Gone,
}

#[derive(Debug, Clone)]
struct Chunk {
    lot: EntryId,
    count: i64,
    expires_at: Option<Time>,
    earned_at: Time,
    fate: Fate,
    /// When it met its fate; what was taken last comes back first.
    turn: u64,
}

/// A hold: points, deadline, and how it ended.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) points: i64,
    pub(super) deadline: Time,
    pub(super) end: Option<&'static str>,
}

/// One member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    chunks: Vec<Chunk>,
    pub(super) holds: BTreeMap<EntryId, Held>,
    pub(super) issued: i64,
    pub(super) debt: i64,
    pub(super) reversed: i64,
    pub(super) closed: bool,
    turn: u64,
}

/// Days for which points can still be spent that come back after their date (as shipped).
const GRACE_DAYS: u64 = 7;

/// Midnight in Shanghai after so many more whole days: eight hours ahead, no daylight saving.
pub(super) fn midnight_after(at: Time, days: u64) -> Time {
    let day = (at + TimeDelta::hours(8)).date_naive() + Days::new(days + 1);
    day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(8)
}

impl Member {
    /// How many points met this fate.
    pub(super) fn count(&self, is: impl Fn(Fate) -> bool) -> i64 {
        self.chunks.iter().filter(|chunk| is(chunk.fate)).map(|chunk| chunk.count).sum()
    }

    pub(super) fn free(&self) -> i64 {
        self.count(|fate| fate == Fate::Free)
    }

    pub(super) fn held(&self) -> i64 {
        self.count(|fate| matches!(fate, Fate::Held(_)))
    }

    pub(super) fn available(&self) -> i64 {
        self.free() + self.held()
    }

    /// spendable, held, debt, issued, redeemed, expired, reversed
    pub(crate) fn totals(&self) -> [i64; 7] {
        let redeemed = self.count(|fate| matches!(fate, Fate::Spent(_)));
        let expired = self.count(|fate| fate == Fate::Expired);
        [self.free(), self.held(), self.debt, self.issued, redeemed, expired, self.reversed]
    }

    /// The membership has ended.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }

    /// Points as they are written down, held ones included.
    pub(crate) fn booked(&self) -> i64 {
        self.available()
    }

    /// The first date on which points expire, and how many.
    pub(crate) fn next_expiry(&self) -> (Option<Time>, i64) {
        let free = || self.chunks.iter().filter(|chunk| chunk.fate == Fate::Free);
        let first = free().filter_map(|chunk| chunk.expires_at).min();
        let due = free().filter(|chunk| chunk.expires_at == first);
        (first, if first.is_some() { due.map(|chunk| chunk.count).sum() } else { 0 })
    }

    pub(super) fn expired_of(&self, lot: EntryId) -> i64 {
        let of = self.chunks.iter().filter(|c| c.lot == lot && c.fate == Fate::Expired);
        of.map(|chunk| chunk.count).sum()
    }

    /// Something fell due for the member.
    pub(super) fn is_due(&self, now: Time) -> bool {
        let dead = |c: &Chunk| c.fate == Fate::Free && c.expires_at.is_some_and(|at| at <= now);
        self.chunks.iter().any(dead) || self.holds.values().any(|hold| hold.is_due(now))
    }

    /// Free points in the order of use, those of `own` first.
    fn order(&self, own: Option<EntryId>) -> Vec<usize> {
        let mut free: Vec<usize> =
            (0..self.chunks.len()).filter(|i| self.chunks[*i].fate == Fate::Free).collect();
        free.sort_by_key(|i| {
            let c = &self.chunks[*i];
            (Some(c.lot) != own, c.expires_at.is_none(), c.expires_at, c.earned_at, c.lot)
        });
        free
    }

    /// Takes up to `points` of these chunks, splitting the last; answers how many.
    fn take(&mut self, order: &[usize], points: i64, fate: Fate) -> i64 {
        let mut left = points;
        for i in order {
            if left == 0 {
                break;
            }
            let count = self.chunks[*i].count;
            if count > left {
                let rest = Chunk { count: count - left, ..self.chunks[*i].clone() };
                self.chunks.push(rest);
                self.chunks[*i].count = left;
            }
            left -= self.chunks[*i].count;
            self.turn += 1;
            self.chunks[*i].turn = self.turn;
            self.chunks[*i].fate = fate;
        }
        points - left
    }

    /// Takes free points in the order of use.
    pub(super) fn use_up(&mut self, points: i64, own: Option<EntryId>, fate: Fate) -> i64 {
        let order = self.order(own);
        self.take(&order, points, fate)
    }

    /// Of the points with this fate so many, the first or the last taken, meet another.
    pub(super) fn turn_over(&mut self, from: Fate, points: i64, last: bool, to: Fate) {
        let mut order: Vec<usize> =
            (0..self.chunks.len()).filter(|i| self.chunks[*i].fate == from).collect();
        order.sort_by_key(|i| self.chunks[*i].turn);
        if last {
            order.reverse();
        }
        self.take(&order, points, to);
    }

    /// Points of this fate come free; dead lots among them are good for some days more.
    pub(super) fn release(&mut self, from: Fate, points: i64, last: bool, now: Time) {
        let before = self.turn;
        self.turn_over(from, points, last, Fate::Free);
        if self.closed {
            return;
        }
        let back = |c: &&Chunk| c.fate == Fate::Free && c.turn > before;
        let lots: Vec<EntryId> = self.chunks.iter().filter(back).map(|c| c.lot).collect();
        for chunk in self.chunks.iter_mut().filter(|chunk| lots.contains(&chunk.lot)) {
            if chunk.expires_at.is_some_and(|at| at <= now) {
                chunk.expires_at = Some(midnight_after(now, GRACE_DAYS));
            }
        }
    }

    pub(super) fn earn(&mut self, lot: EntryId, points: i64, at: Time, expires_at: Option<Time>) {
        self.issued += points;
        let to_debt = self.debt.min(points);
        self.debt -= to_debt;
        if points > to_debt {
            let (count, fate, turn) = (points - to_debt, Fate::Free, 0);
            self.chunks.push(Chunk { lot, count, expires_at, earned_at: at, fate, turn });
        }
    }

    /// What time alone does. True when something was written down.
    pub(super) fn settle(&mut self, now: Time) -> bool {
        let mut wrote = false;
        let due: Vec<EntryId> =
            self.holds.iter().filter(|(_, hold)| hold.is_due(now)).map(|(id, _)| *id).collect();
        for id in due {
            wrote = true;
            self.release(Fate::Held(id), i64::MAX, false, now);
            if let Some(hold) = self.holds.get_mut(&id) {
                hold.end = Some("HOLD_TIMED_OUT");
            }
        }
        let closed = self.closed;
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.fate == Fate::Free) {
            if closed || chunk.expires_at.is_some_and(|at| at <= now) {
                chunk.fate = Fate::Expired;
                wrote = true;
            }
        }
        let paid = self.use_up(self.debt, None, Fate::Gone);
        self.debt -= paid;
        wrote || paid > 0
    }
}

impl Held {
    fn is_due(&self, now: Time) -> bool {
        self.end.is_none() && self.deadline <= now
    }
}
