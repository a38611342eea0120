//! How far a member is with something that has a goal.
//!
//! Invariant: what is done is the sum of the marks, whatever order they came in
//! ([`from_scratch`]); a mark stands for one business event and exists once for each offer.

use super::{Goal, Measure, OnRefund};
use crate::domain::Time;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What has a goal. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
pub enum Sort {
    /// Begins by itself, once.
    Task = 1,
    /// Begins when joined.
    Challenge = 2,
    /// Begins by itself, and again when full.
    Card = 3,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Task, Self::Challenge, Self::Card];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.number() == number)
    }

    /// What its rewards are given for.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Challenge => "challenge",
            Self::Card => "stamp-card",
        }
    }
}

/// One round of a member with one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// What it is.
    pub sort: Sort,
    /// Which one.
    pub key: String,
    /// 1 for the first time.
    pub round: i32,
    /// The version of the rules it began with, which holds to its end (reference, S9).
    pub version: String,
    /// When it began.
    pub began_at: Time,
    /// The last day of the member that counts.
    pub last_day: Option<NaiveDate>,
    /// What is asked for.
    pub goal: i64,
    /// What is there. A card can start behind, below zero.
    pub done: i64,
    /// When the event happened that reached the goal.
    pub completed_at: Option<Time>,
    /// When the member gave it up.
    pub left_at: Option<Time>,
    /// What the rewards were given for the last time, taken back or not; empty: they never were.
    pub cause_id: String,
}

/// Where a tally stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Counts.
    Running,
    /// The goal was reached.
    Completed,
    /// The last day passed.
    Lapsed,
    /// Given up.
    Left,
}

/// An event that counted, or that took back what counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The business event.
    pub event: Uuid,
    /// The event it takes back.
    pub takes_back: Option<Uuid>,
    /// For what it counts.
    pub sort: Sort,
    /// See `sort`.
    pub key: String,
    /// See `sort`.
    pub round: i32,
    /// The member's day; of what takes back, the day of what is taken back.
    pub day: NaiveDate,
    /// When it happened.
    pub at: Time,
    /// What it counts, in the offer's measure.
    pub amount: i64,
    /// What was paid, or below zero given back; ISO 4217 code and minor units.
    pub paid: i64,
    /// See `paid`; empty when nothing was.
    pub currency: String,
    /// The order that was paid.
    pub order: String,
}

/// What a change brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Neither of the two.
    None,
    /// The goal is reached: the rewards are due.
    Completed,
    /// The goal is missed again: the rewards are to be taken back.
    Undone,
}

impl Tally {
    /// Where it stands on a day of the member.
    pub fn standing(&self, today: NaiveDate) -> Standing {
        match self {
            Self { left_at: Some(_), .. } => Standing::Left,
            Self { completed_at: Some(_), .. } => Standing::Completed,
            Self { last_day: Some(last), .. } if *last < today => Standing::Lapsed,
            _ => Standing::Running,
        }
    }

    /// What is missing to the goal.
    pub fn missing(&self) -> i64 {
        self.goal.saturating_sub(self.done).max(0)
    }

    /// Whole percent of the goal, rounded down.
    pub fn percent(&self) -> i32 {
        let percent = i128::from(self.done.max(0)) * 100 / i128::from(self.goal.max(1));
        i32::try_from(percent.min(100)).unwrap_or(100)
    }

    /// Whether an event of this instant and day can still count. A completed task or challenge goes
    /// on counting purchases, because what completed it may be given back.
    pub fn takes(&self, goal: &Goal, at: Time, day: NaiveDate) -> bool {
        let open = self.left_at.is_none() && self.last_day.is_none_or(|last| day <= last);
        let joined = self.sort != Sort::Challenge || self.began_at <= at;
        let wants = self.completed_at.is_none()
            || (self.sort != Sort::Card && goal.activity == super::Deed::Purchase);
        open && joined && wants
    }

    /// Adds what an event counts, or takes back.
    pub fn add(&mut self, amount: i64, at: Time, policy: OnRefund) -> Turn {
        self.done = self.done.saturating_add(amount);
        let reached = self.done >= self.goal;
        match self.completed_at {
            None if reached && self.left_at.is_none() => {
                self.completed_at = Some(at);
                Turn::Completed
            }
            Some(_) if !reached && policy == OnRefund::Revoke && self.sort != Sort::Card => {
                self.completed_at = None;
                Turn::Undone
            }
            _ => Turn::None,
        }
    }
}

/// What these marks come to. Of days, those count on which more was done than taken back.
pub fn from_scratch<'a>(measure: Measure, marks: impl IntoIterator<Item = &'a Mark>) -> i64 {
    let marks = marks.into_iter().map(|mark| (mark.day, mark.amount));
    if measure != Measure::Days {
        return marks.map(|(_, amount)| amount).fold(0, i64::saturating_add);
    }
    let mut days: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for (day, amount) in marks {
        *days.entry(day).or_default() += amount;
    }
    i64::try_from(days.values().filter(|amount| **amount > 0).count()).unwrap_or(i64::MAX)
}

/// By how much a mark moves the sum, beside the marks of its day that were there before.
pub fn step(measure: Measure, same_day: &[Mark], mark: &Mark) -> i64 {
    if measure != Measure::Days {
        return mark.amount;
    }
    let with = same_day.iter().chain([mark]);
    from_scratch(measure, with) - from_scratch(measure, same_day)
}
