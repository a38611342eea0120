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
    /// Not active yet.
    Pending,
    /// Taken back, given away, or used to pay off a debt.
    Gone,
}

#[derive(Debug, Clone)]
struct Chunk {
    lot: EntryId,
    count: i64,
    expires_at: Option<Time>,
    earned_at: Time,
    fate: Fate,
    /// When it becomes active by itself.
    ripe_at: Option<Time>,
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

    /// spendable, held, debt, issued, redeemed, expired, reversed, pending
    pub(crate) fn totals(&self) -> [i64; 8] {
        let redeemed = self.count(|fate| matches!(fate, Fate::Spent(_)));
        let expired = self.count(|fate| fate == Fate::Expired);
        let pending = self.count(|fate| fate == Fate::Pending);
        let (free, held, debt) = (self.free(), self.held(), self.debt);
        [free, held, debt, self.issued, redeemed, expired, self.reversed, pending]
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
        let ripe = |c: &Chunk| c.is_ripe(now);
        self.chunks.iter().any(|c| dead(c) || ripe(c))
            || self.holds.values().any(|hold| hold.is_due(now))
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
            let ripe_at = None;
            self.chunks.push(Chunk { lot, count, expires_at, earned_at: at, fate, ripe_at, turn });
        }
    }

    pub(super) fn earn_pending(
        &mut self,
        lot: EntryId,
        count: i64,
        earned_at: Time,
        expires_at: Option<Time>,
        ripe_at: Option<Time>,
    ) {
        self.issued += count;
        let (fate, turn) = (Fate::Pending, 0);
        self.chunks.push(Chunk { lot, count, expires_at, earned_at, fate, ripe_at, turn });
    }

    pub(super) fn pending_of(&self, lot: EntryId) -> i64 {
        let of = self.chunks.iter().filter(|c| c.lot == lot && c.fate == Fate::Pending);
        of.map(|chunk| chunk.count).sum()
    }

    /// Pending points of a lot become active.
    pub(super) fn activate(&mut self, lot: EntryId, at: Time, now: Time) {
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.lot == lot) {
            if chunk.fate == Fate::Pending {
                chunk.fate = Fate::Free;
            }
            if chunk.expires_at.is_some_and(|end| end <= at) {
                chunk.expires_at = Some(midnight_after(now, GRACE_DAYS));
            }
        }
    }

    /// Pending points of a lot are called off.
    pub(super) fn call_off(&mut self, lot: EntryId, points: i64) {
        let of: Vec<usize> = (0..self.chunks.len())
            .filter(|i| self.chunks[*i].lot == lot && self.chunks[*i].fate == Fate::Pending)
            .collect();
        self.take(&of, points, Fate::Gone);
        self.reversed += points;
    }

    /// Everything that is pending, by lot.
    pub(super) fn pending(&self) -> Vec<(EntryId, i64)> {
        let pending = self.chunks.iter().filter(|chunk| chunk.fate == Fate::Pending);
        pending.map(|chunk| (chunk.lot, chunk.count)).collect()
    }

    /// Makes active what is due for it, in the order of time.
    pub(super) fn ripen(&mut self, now: Time) -> bool {
        let ripe = self.chunks.iter().filter(|chunk| chunk.is_ripe(now));
        let mut ripe: Vec<_> = ripe.map(|c| (c.ripe_at.unwrap_or(now), c.lot)).collect();
        ripe.sort_unstable();
        for (at, lot) in &ripe {
            self.activate(*lot, *at, now);
        }
        !ripe.is_empty()
    }

    /// Gives points away: those of one date after the other, each with the earliest day of earning.
    pub(super) fn give_away(&mut self, points: i64) -> Vec<(Option<Time>, Time, i64)> {
        let before = self.turn;
        self.use_up(points, None, Fate::Gone);
        let mut given: Vec<&Chunk> = self.chunks.iter().filter(|c| c.turn > before).collect();
        given.sort_by_key(|chunk| chunk.turn);
        let mut dates: Vec<(Option<Time>, Time, i64)> = Vec::new();
        for chunk in given {
            match dates.last_mut().filter(|(date, ..)| *date == chunk.expires_at) {
                Some((_, earned, count)) => {
                    *earned = (*earned).min(chunk.earned_at);
                    *count += chunk.count;
                }
                None => dates.push((chunk.expires_at, chunk.earned_at, chunk.count)),
            }
        }
        dates
    }

    /// Receives points that somebody else had.
    pub(super) fn receive(&mut self, lot: EntryId, part: (Option<Time>, Time, i64)) {
        let (expires_at, earned_at, count) = part;
        let (fate, ripe_at, turn) = (Fate::Free, None, 0);
        self.chunks.push(Chunk { lot, count, expires_at, earned_at, fate, ripe_at, turn });
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
        wrote |= self.ripen(now);
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

impl Chunk {
    fn is_ripe(&self, now: Time) -> bool {
        self.fate == Fate::Pending && self.ripe_at.is_some_and(|at| at <= now)
    }
}

impl Held {
    fn is_due(&self, now: Time) -> bool {
        self.end.is_none() && self.deadline <= now
    }
}
