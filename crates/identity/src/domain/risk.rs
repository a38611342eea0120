//! Churn risk by behaviour signals (product row ID-7): signals, points, grade. The contract
//! (`insight.proto`) states the rule in words.

use crate::domain::calendar::{Calendar, Day};
use crate::domain::facts::{DayTile, Facts};
use crate::domain::lifecycle::since;
use crate::domain::observation::{Observation, Quantity};
use crate::domain::rules::RiskRules;
use chrono::{DateTime, TimeDelta, Utc};

/// What speaks for a user leaving; numbers as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract describes each")]
#[repr(i16)]
pub enum Signal {
    Inactive = 1,
    UseDown = 2,
    ComplaintOpen = 3,
    NegativeReview = 4,
}

/// A set of signals, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(pub i16);

/// How close to leaving; numbers as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
#[repr(i16)]
pub enum Grade {
    None = 1,
    Light = 2,
    Medium = 3,
    Severe = 4,
}

/// Whether a signal is present, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalFinding {
    /// Which one.
    pub signal: Signal,
    /// What it adds; 0 when it is not present.
    pub points: i32,
    /// Whether it is present.
    pub present: bool,
    /// The conditions, with what was seen.
    pub observations: Vec<Observation>,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] =
        [Self::Inactive, Self::UseDown, Self::ComplaintOpen, Self::NegativeReview];
}

impl SignalSet {
    /// Puts a signal in.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal as i16;
    }

    /// The signals in it.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::ALL.into_iter().filter(move |signal| self.0 & (1 << *signal as i16) != 0)
    }
}

impl Grade {
    /// Every grade.
    pub const ALL: [Self; 4] = [Self::None, Self::Light, Self::Medium, Self::Severe];

    /// The grade with this number.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| *grade as i32 == code)
    }

    /// The grade of a sum of points.
    pub fn of(points: i32, rules: &RiskRules) -> Self {
        if points >= rules.severe_points {
            Self::Severe
        } else if points >= rules.medium_points {
            Self::Medium
        } else if points >= rules.light_points {
            Self::Light
        } else {
            Self::None
        }
    }
}

/// Looks for the four signals.
pub fn evaluate(
    facts: &Facts,
    rules: &RiskRules,
    calendar: Calendar,
    now: DateTime<Utc>,
) -> [SignalFinding; 4] {
    let inactive = inactive(facts, rules, now);
    let use_down = use_down(facts, rules, calendar.day_of(now), inactive.present);
    [inactive, use_down, complaint_open(facts, rules), negative_review(facts, rules, now)]
}

/// No own activity for two weeks; more points the longer it lasts.
fn inactive(facts: &Facts, rules: &RiskRules, now: DateTime<Utc>) -> SignalFinding {
    let silence = (now - facts.standing.silent_since()).max(TimeDelta::zero());
    let observation = Observation::at_least(
        "silence",
        Quantity::Duration(silence),
        rules.first_silence().map(Quantity::Duration),
    );
    finding(Signal::Inactive, rules.silence_points(silence), vec![observation])
}

/// Uses of the last complete days against the same number of days before. Silence is the whole
/// loss of use: it is told as INACTIVE, not twice.
fn use_down(facts: &Facts, rules: &RiskRules, today: Day, inactive: bool) -> SignalFinding {
    let stretch = rules.use_down_days;
    let recent = facts.sum_days(today - stretch, today - 1, DayTile::uses);
    let before = facts.sum_days(today - 2 * stretch, today - stretch - 1, DayTile::uses);
    let drop = (before > 0).then(|| ((before - recent) * 1000).div_euclid(before));
    let observations = vec![
        Observation::at_least(
            "uses_before",
            Quantity::Count(before),
            Quantity::Count(rules.use_down_least_before),
        ),
        Observation::at_least(
            "use_drop",
            drop.map(Quantity::PerMille),
            Quantity::PerMille(rules.use_down_percent * 10),
        ),
    ];
    let points = if inactive { 0 } else { rules.use_down_points };
    finding(Signal::UseDown, points, observations)
}

fn complaint_open(facts: &Facts, rules: &RiskRules) -> SignalFinding {
    let open = Quantity::Count(facts.standing.open_complaints);
    let observation = Observation::at_least("open_complaints", open, Quantity::Count(1));
    finding(Signal::ComplaintOpen, rules.complaint_points, vec![observation])
}

/// A negative review that is recent and not taken back by a later positive one.
fn negative_review(facts: &Facts, rules: &RiskRules, now: DateTime<Utc>) -> SignalFinding {
    let standing = &facts.standing;
    let standing_review =
        standing.last_negative_time.filter(|time| standing.last_positive_time <= Some(*time));
    let observations = standing_review.map(|time| {
        Observation::at_most(
            "since_negative_review",
            since(time, now),
            Quantity::Duration(TimeDelta::days(rules.review_days)),
        )
    });
    finding(Signal::NegativeReview, rules.review_points, observations.into_iter().collect())
}

/// Present when there is something to see, all of it is met, and it has points.
fn finding(signal: Signal, points: i32, observations: Vec<Observation>) -> SignalFinding {
    let met = !observations.is_empty() && observations.iter().all(|observation| observation.met);
    let present = met && points > 0;
    SignalFinding { signal, points: if present { points } else { 0 }, present, observations }
}
