//! Lifecycle segments (product row ID-4): the four rules and the primary one. The contract
//! (`segment.proto`) says how each open point of the rules is settled.

use crate::domain::calendar::{Calendar, Day};
use crate::domain::facts::{DayTile, Facts};
use crate::domain::money::Money;
use crate::domain::observation::{Observation, Quantity};
use crate::domain::rules::{IndustryAverage, SegmentRules};
use chrono::{DateTime, TimeDelta, Utc};

/// The segments, in the order of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the contract describes each")]
pub enum Segment {
    New,
    Active,
    HighValue,
    ChurnRisk,
}

/// A set of segments; prints and compares as its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentSet(u8);

/// Whether a user is in a segment, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which one.
    pub segment: Segment,
    /// Whether the user is in it.
    pub member: bool,
    /// The conditions, with what was seen.
    pub observations: Vec<Observation>,
}

impl Segment {
    /// Every segment.
    pub const ALL: [Self; 4] = [Self::New, Self::Active, Self::HighValue, Self::ChurnRisk];

    /// By which one to treat a user who is in several: the first of these.
    const PRIORITY: [Self; 4] = [Self::ChurnRisk, Self::HighValue, Self::Active, Self::New];

    /// The name in contract, events and tables.
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::HighValue => "high_value",
            Self::ChurnRisk => "churn_risk",
        }
    }

    /// The segment of this name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.key() == key)
    }
}

impl SegmentSet {
    /// Whether the segment is in the set.
    pub fn contains(self, segment: Segment) -> bool {
        self.0 & (1 << segment as u8) != 0
    }

    /// Puts a segment in.
    pub fn insert(&mut self, segment: Segment) {
        self.0 |= 1 << segment as u8;
    }

    /// Those in this set and not in the other.
    pub fn without(self, other: Self) -> impl Iterator<Item = Segment> {
        let left = Self(self.0 & !other.0);
        Segment::ALL.into_iter().filter(move |segment| left.contains(*segment))
    }

    /// The one to treat the user by.
    pub fn primary(self) -> Option<Segment> {
        Segment::PRIORITY.into_iter().find(|segment| self.contains(*segment))
    }
}

impl FromIterator<Segment> for SegmentSet {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        let mut set = Self::default();
        segments.into_iter().for_each(|segment| set.insert(segment));
        set
    }
}

/// Applies the four rules.
pub fn evaluate(
    facts: &Facts,
    rules: &SegmentRules,
    calendar: Calendar,
    now: DateTime<Utc>,
) -> [Finding; 4] {
    let today = calendar.day_of(now);
    [
        new(facts, rules, now),
        active(facts, rules, today),
        high_value(facts, rules, today),
        churn_risk(facts, rules, now),
    ]
}

/// Registered <= 30 days ago.
fn new(facts: &Facts, rules: &SegmentRules, now: DateTime<Utc>) -> Finding {
    any(
        Segment::New,
        vec![Observation::at_most(
            "since_registration",
            since(facts.standing.register_time(), now),
            Quantity::Duration(TimeDelta::days(rules.new_days)),
        )],
    )
}

/// Used >= 3 times a week and >= 5 interactions a month.
fn active(facts: &Facts, rules: &SegmentRules, today: Day) -> Finding {
    let uses = facts.sum_days(today - 6, Day::MAX, DayTile::uses);
    let interactions = facts.sum_days(today - 29, Day::MAX, |tile| i64::from(tile.interactions));
    let observations = vec![
        Observation::at_least(
            "uses_in_week",
            Quantity::Count(uses),
            Quantity::Count(rules.active_uses_a_week),
        ),
        Observation::at_least(
            "interactions_in_month",
            Quantity::Count(interactions),
            Quantity::Count(rules.active_interactions_a_month),
        ),
    ];
    let member = observations.iter().all(|observation| observation.met);
    Finding { segment: Segment::Active, member, observations }
}

/// Spent >= 150 % of the industry average in a year, or has influence.
fn high_value(facts: &Facts, rules: &SegmentRules, today: Day) -> Finding {
    let industry = &facts.standing.industry;
    let spending = facts.spent_since(today - 364).into_iter().map(|(currency, minor_units)| {
        let average = rules.average(industry, currency, today);
        let threshold = average.map(|average| {
            // Rounded up, so that the bound is never below the share asked for.
            let minor_units = (average.minor_units * rules.high_value_percent + 99) / 100;
            Quantity::Money(Money { currency, minor_units })
        });
        let spent = Quantity::Money(Money { currency, minor_units });
        Observation::at_least("spend_in_year", spent, threshold)
            .based_on(average.map(IndustryAverage::version).unwrap_or_default())
    });
    let influence = Observation::at_least(
        "influencer",
        Quantity::Flag(facts.standing.influencer),
        Quantity::Flag(true),
    );
    any(Segment::HighValue, spending.chain([influence]).collect())
}

/// No login for 30 days, or the last 3 sessions down 50 % from the peak.
fn churn_risk(facts: &Facts, rules: &SegmentRules, now: DateTime<Utc>) -> Finding {
    any(
        Segment::ChurnRisk,
        vec![
            Observation::at_least(
                "since_login",
                since(facts.standing.silent_since(), now),
                Quantity::Duration(TimeDelta::days(rules.churn_silent_days)),
            ),
            Observation::at_least(
                "session_drop",
                facts.standing.sessions.drop_per_mille().map(Quantity::PerMille),
                Quantity::PerMille(rules.churn_session_drop_percent * 10),
            ),
        ],
    )
}

fn any(segment: Segment, observations: Vec<Observation>) -> Finding {
    let member = observations.iter().any(|observation| observation.met);
    Finding { segment, member, observations }
}

/// Time passed; nothing has happened in the future.
pub(crate) fn since(time: DateTime<Utc>, now: DateTime<Utc>) -> Quantity {
    Quantity::Duration((now - time).max(TimeDelta::zero()))
}
