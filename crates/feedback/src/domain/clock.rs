//! One promise running: when it is due, how much of it is used, how it ended.
//!
//! Nothing here depends on a job having run: every answer follows from the start, the pauses and
//! the end. The two flags only remember what has been told to the outside.

use super::kinds::{ClockKind, PromiseState};
use super::policy::Promise;
use chrono::{DateTime, TimeDelta, Utc};

/// A promise made for a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// 1 for the first of its kind on the ticket.
    pub instance: i32,
    /// What was promised.
    pub promise: Promise,
    /// Share of the time after which it counts as nearly broken, in percent.
    pub warn_percent: u8,
    /// When it began.
    pub start: DateTime<Utc>,
    /// When it stood still, in order; only the last may still go on.
    pub pauses: Vec<Pause>,
    /// How it ended.
    pub end: Option<End>,
    /// The near breach has been told.
    pub warned: bool,
    /// The breach has been told.
    pub breached: bool,
}

/// A stretch in which a clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// From here on.
    pub from: DateTime<Utc>,
    /// Until here; `None` while it goes on.
    pub to: Option<DateTime<Utc>>,
}

/// How a promise ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Done, in time or late.
    Fulfilled(DateTime<Utc>),
    /// No longer owed.
    Void(DateTime<Utc>),
}

impl Clock {
    /// Starts a promise.
    pub fn start(promise: Promise, warn_percent: u8, instance: i32, start: DateTime<Utc>) -> Self {
        let pauses = Vec::new();
        let (warned, breached) = (false, false);
        Self { instance, promise, warn_percent, start, pauses, end: None, warned, breached }
    }

    /// Which promise it measures.
    pub fn kind(&self) -> ClockKind {
        self.promise.clock
    }

    /// Time allowed, in its calendar.
    pub fn target(&self) -> TimeDelta {
        self.promise.limit.target(self.start).0
    }

    /// The instant at which the time is used up; `None` while it stands still with time left.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.used_up(self.target())
    }

    /// The instant from which on it counts as nearly broken; `None` as in [`Self::due`].
    pub fn warn(&self) -> Option<DateTime<Utc>> {
        // In whole microseconds, as the databases keep them.
        let target = self.target().num_microseconds().unwrap_or(i64::MAX / 100);
        let share = target / 100 * i64::from(self.warn_percent);
        self.used_up(TimeDelta::microseconds(share))
    }

    /// The earliest instant at which `amount` is used up. A pause removes business time, not wall
    /// time: a promise paused over a weekend loses nothing by it.
    fn used_up(&self, amount: TimeDelta) -> Option<DateTime<Utc>> {
        let (_, calendar) = self.promise.limit.target(self.start);
        let mut from = self.start;
        let mut left = amount;
        for pause in &self.pauses {
            let stretch = calendar.between(from, pause.from);
            if left <= stretch {
                break;
            }
            left -= stretch;
            from = pause.to?;
        }
        Some(calendar.after(from, left))
    }

    /// Business time used until `now`, or until the end.
    pub fn used(&self, now: DateTime<Utc>) -> TimeDelta {
        let until = match self.end {
            Some(End::Fulfilled(at) | End::Void(at)) => at.min(now),
            None => now,
        };
        let (_, calendar) = self.promise.limit.target(self.start);
        let mut used = TimeDelta::zero();
        let mut from = Some(self.start);
        for pause in &self.pauses {
            used += from
                .map_or(TimeDelta::zero(), |from| calendar.between(from, pause.from.min(until)));
            from = pause.to;
        }
        used + from.map_or(TimeDelta::zero(), |from| calendar.between(from, until))
    }

    /// Share of the time used until `now`: 1 when due.
    #[expect(clippy::cast_precision_loss, reason = "a share for people and for sorting")]
    pub fn share(&self, now: DateTime<Utc>) -> f64 {
        let target = self.target().num_milliseconds().max(1);
        self.used(now).num_milliseconds() as f64 / target as f64
    }

    /// Where it stands at `now`. Fulfilled exactly when due is in time.
    pub fn state(&self, now: DateTime<Utc>) -> PromiseState {
        let late = |at: DateTime<Utc>| self.due().is_some_and(|due| at > due);
        match self.end {
            Some(End::Fulfilled(at) | End::Void(at)) if late(at) => PromiseState::Breached,
            Some(End::Fulfilled(_)) => PromiseState::Kept,
            Some(End::Void(_)) => PromiseState::Void,
            None if late(now) => PromiseState::Breached,
            None if self.paused() => PromiseState::Paused,
            None => PromiseState::Running,
        }
    }

    /// Not ended.
    pub fn open(&self) -> bool {
        self.end.is_none()
    }

    /// Standing still.
    pub fn paused(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.to.is_none())
    }

    /// Stops an open clock that pauses.
    pub fn pause(&mut self, at: DateTime<Utc>) {
        if self.open() && self.promise.pauses && !self.paused() {
            self.pauses.push(Pause { from: at, to: None });
        }
    }

    /// Lets a paused clock go on.
    pub fn resume(&mut self, at: DateTime<Utc>) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.to.is_none()) {
            pause.to = Some(at);
        }
    }

    /// Ends it, once.
    pub fn finish(&mut self, end: End) {
        let (End::Fulfilled(at) | End::Void(at)) = end;
        if self.open() {
            self.resume(at);
            self.end = Some(end);
        }
    }

    /// When something has to be told next: the near breach, then the breach, each once.
    pub fn alarm(&self) -> Option<DateTime<Utc>> {
        if !self.open() || self.breached {
            return None;
        }
        let warn = self.warn().filter(|_| !self.warned);
        // Broken is what is fulfilled after the due time: the first instant after it, in the
        // microseconds that the databases keep.
        warn.or_else(|| self.due().map(|due| due + TimeDelta::microseconds(1)))
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
