//! Days in a row.
//!
//! Invariants (reference, S13):
//! * Who does it once on each own day never loses the streak, whatever zones come one after another:
//!   a streak ends only at a day of the member's own calendar that was missed.
//! * Two days count only if they lie at least [`ZONE_GAP`] apart or no zone changed in between. A
//!   day refused for that still keeps the streak.
//! * The streak is a pure function of the days attended, the member's calendar and the rules
//!   ([`Streak::from_scratch`]): in whatever order the events arrived, the outcome is the same.

#[cfg(test)]
mod tests;

use super::{OwnCalendar, StreakOffer};
use crate::domain::{Programme, Time};
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Between two days that count when a zone changed in between (reference, S13).
pub const ZONE_GAP: TimeDelta = TimeDelta::hours(18);

/// A day on which the member did it, and when first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attended {
    /// The member's day.
    pub day: NaiveDate,
    /// The first event of the day.
    pub first_at: Time,
    /// The last one so far.
    pub last_at: Time,
}

/// What became of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// It keeps the streak but does not count.
    Kept,
    /// A freeze was used for it.
    Frozen,
}

/// One streak of a member: the run that goes on, and what is left of the ones before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Streak {
    /// The version of the rules under which the run began.
    pub version: String,
    /// Days counted in the run.
    pub days: u32,
    /// The most that ever counted in one run.
    pub longest: u32,
    /// The last day attended, and its last event.
    pub last: Option<(NaiveDate, Time)>,
    /// When the last day counted, and that day.
    pub counted: Option<(NaiveDate, Time)>,
    /// Missed days that can still be afforded.
    pub freezes: u32,
    /// Missed days that were, in the run.
    pub frozen: Vec<NaiveDate>,
    /// How often each number of days was reached.
    pub reached: BTreeMap<u32, u32>,
}

/// By what a streak is judged.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The rules.
    pub programme: &'a Programme,
    /// The member's days.
    pub calendar: &'a OwnCalendar,
    /// Which streak.
    pub key: &'a str,
}

impl<'a> Judge<'a> {
    /// The streak as a version of the rules offers it; the latest that does where this one is gone.
    pub fn offer(&self, version: &str) -> Option<&'a StreakOffer> {
        let versions = self.programme.versions();
        let own = versions.iter().filter(|v| v.version == version);
        own.chain(versions.iter().rev()).find_map(|v| v.progress.streak(self.key))
    }
}

/// What stands between two days.
enum Gap {
    /// Nothing was missed, or travel excuses it.
    None,
    /// These days were missed, and can be afforded.
    Frozen(Vec<NaiveDate>),
    /// More was.
    Broken,
}

impl Streak {
    /// The streak that these days make, in the order of the days, and what became of each.
    pub fn from_scratch(
        days: &[Attended],
        judge: Judge<'_>,
    ) -> (Self, Vec<(NaiveDate, Outcome, u32)>) {
        let mut streak = Self::default();
        let told = days.iter().flat_map(|day| streak.attend(day, judge)).collect();
        (streak, told)
    }

    /// Goes on by one day, later than all before. Answers what became of it and of the days missed
    /// before it, with the days counted up to each.
    pub fn attend(&mut self, day: &Attended, judge: Judge<'_>) -> Vec<(NaiveDate, Outcome, u32)> {
        let mut told = Vec::new();
        match self.gap(day.day, day.first_at, judge) {
            _ if self.last.is_none() && !self.begin(day, judge) => return told,
            Gap::Frozen(missed) => {
                self.freezes = self.freezes.saturating_sub(length(&missed));
                told.extend(missed.iter().map(|missed| (*missed, Outcome::Frozen, self.days)));
                self.frozen.extend(missed);
            }
            Gap::Broken if !self.begin(day, judge) => return told,
            Gap::None | Gap::Broken => {}
        }
        self.last = Some((day.day, day.last_at));
        let outcome = match self.counts_at(day, judge.calendar) {
            Some(at) => {
                self.count(day.day, at, judge);
                Outcome::Counted
            }
            None => Outcome::Kept,
        };
        told.push((day.day, outcome, self.days));
        told
    }

    /// Takes in that the last day goes on, `day` being that day with its latest event. Answers
    /// whether that was all: the day counts already, by its first event.
    pub fn go_on(&mut self, day: &Attended) -> bool {
        let counts = self.counted == Some((day.day, day.first_at));
        let goes_on = counts && self.last.is_some_and(|(last, _)| last == day.day);
        if goes_on {
            self.last = Some((day.day, day.last_at));
        }
        goes_on
    }

    /// As it is at an instant, if nothing happens until then: a missed day counts as missed when it
    /// is over, whether or not anybody came back.
    #[must_use]
    pub fn at(&self, now: Time, judge: Judge<'_>) -> Self {
        let mut view = self.clone();
        match self.gap(judge.calendar.day(now), now, judge) {
            Gap::None => {}
            Gap::Frozen(missed) => {
                view.freezes -= length(&missed).min(view.freezes);
                view.frozen.extend(missed);
            }
            Gap::Broken => {
                view.days = 0;
                view.frozen.clear();
            }
        }
        view
    }

    /// When the run is lost if nothing happens before; `None` when none runs.
    pub fn lost_at(&self, judge: Judge<'_>) -> Option<Time> {
        let (mut day, at) = self.last.filter(|_| self.days > 0)?;
        // The next own day is still in time, and so is one more for each freeze.
        let mut left = self.freezes + 1;
        loop {
            day = day.succ_opt()?;
            if !judge.calendar.has(day) {
                continue;
            }
            if left == 0 {
                break;
            }
            left -= 1;
        }
        let lost = judge.calendar.start(day);
        let travelled = judge.calendar.stretch(at) != judge.calendar.stretch(lost);
        Some(if travelled { lost.max(at + self.grace(judge)) } else { lost })
    }

    fn grace(&self, judge: Judge<'_>) -> TimeDelta {
        let offer = judge.offer(&self.version);
        TimeDelta::hours(offer.map_or(0, |offer| i64::from(offer.travel_grace_hours)))
    }

    /// What lies between the last day attended and a day on which it is looked at.
    fn gap(&self, day: NaiveDate, at: Time, judge: Judge<'_>) -> Gap {
        let Some((last, last_at)) = self.last else { return Gap::None };
        let affordable = usize::try_from(self.freezes).unwrap_or(usize::MAX);
        let missed = judge.calendar.between(last, day, affordable.saturating_add(1));
        if missed.is_empty() {
            return Gap::None;
        }
        let travelled = judge.calendar.stretch(last_at) != judge.calendar.stretch(at);
        match () {
            () if travelled && at - last_at < self.grace(judge) => Gap::None,
            () if missed.len() <= affordable => Gap::Frozen(missed),
            () => Gap::Broken,
        }
    }

    /// Begins a run, unless the streak was not on offer then.
    fn begin(&mut self, day: &Attended, judge: Judge<'_>) -> bool {
        let version = judge.programme.in_force(day.first_at);
        let Some(offer) = version.progress.streak(judge.key) else {
            *self = Self { last: None, days: 0, ..std::mem::take(self) };
            return false;
        };
        if self.version.is_empty() {
            self.freezes = offer.freezes.start;
        }
        self.version.clone_from(&version.version);
        self.days = 0;
        self.frozen.clear();
        true
    }

    /// The instant at which a day counts: that of its first event, or of its last one when the
    /// first came too soon after a change of the zone.
    fn counts_at(&self, day: &Attended, calendar: &OwnCalendar) -> Option<Time> {
        let Some((_, before)) = self.counted else { return Some(day.first_at) };
        [day.first_at, day.last_at].into_iter().find(|at| is_apart(before, *at, calendar))
    }

    fn count(&mut self, day: NaiveDate, at: Time, judge: Judge<'_>) {
        self.days += 1;
        self.longest = self.longest.max(self.days);
        self.counted = Some((day, at));
        let Some(offer) = judge.offer(&self.version) else { return };
        let freezes = offer.freezes;
        if freezes.every_days > 0 && self.days.is_multiple_of(freezes.every_days) {
            self.freezes = (self.freezes + 1).min(freezes.at_most.max(self.freezes));
        }
        if offer.milestones.iter().any(|milestone| milestone.days == self.days) {
            *self.reached.entry(self.days).or_default() += 1;
        }
    }
}

/// Whether two instants can both count as days: no zone changed in between, or enough time passed.
pub fn is_apart(one: Time, other: Time, calendar: &OwnCalendar) -> bool {
    calendar.stretch(one) == calendar.stretch(other) || (other - one).abs() >= ZONE_GAP
}

fn length(days: &[NaiveDate]) -> u32 {
    u32::try_from(days.len()).unwrap_or(u32::MAX)
}
