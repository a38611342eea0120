//! What is on offer, as the rules say it.

use super::Sort;
use crate::domain::Reward;
use crate::domain::tier::Tier;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a member does. The numbers are those of identity's kinds of activity, and are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the kinds of activity of identity's contract")]
#[repr(i16)]
pub enum Deed {
    Login = 1,
    Session = 2,
    FeatureUse = 3,
    Purchase = 4,
    CheckIn = 6,
    Comment = 7,
    Share = 8,
    Feedback = 9,
    ReviewPositive = 10,
    ReviewNegative = 11,
    SupportContact = 12,
    Referral = 13,
    TaskCompleted = 15,
    Search = 16,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Login,
        Self::Session,
        Self::FeatureUse,
        Self::Purchase,
        Self::CheckIn,
        Self::Comment,
        Self::Share,
        Self::Feedback,
        Self::ReviewPositive,
        Self::ReviewNegative,
        Self::SupportContact,
        Self::Referral,
        Self::TaskCompleted,
        Self::Search,
    ];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From its number; `None` for what cannot count (a refund, for one).
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.number() == number)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Activities.
    #[default]
    Count,
    /// Seconds that they lasted.
    Seconds,
    /// Different days of the member.
    Days,
    /// Minor units of the programme's currency that were paid.
    Paid,
}

/// What becomes of a completed task or challenge when so much of what counted is given back that
/// the goal is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRefund {
    /// It is open again, and its rewards are taken back.
    #[default]
    Revoke,
    /// It stays completed.
    Keep,
}

/// Something with a goal: a task, a challenge, a stamp card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Goal {
    /// Its name; texts for it are the client's.
    pub key: String,
    /// What counts.
    pub activity: Deed,
    /// Only activities about this; empty: any. Ends with "*": about anything that begins like this.
    pub object: String,
    /// In what it is counted.
    pub measure: Measure,
    /// How much of it is asked for.
    pub goal: i64,
    /// A purchase counts only from this amount on, in minor units of the programme's currency.
    pub min_minor_units: i64,
    /// What reaching the goal brings.
    pub rewards: Vec<Reward>,
    /// The first day on which it is on offer, the member's own.
    pub from: Option<NaiveDate>,
    /// The last one.
    pub until: Option<NaiveDate>,
    /// Days it may take: from joining a challenge, or for a task from becoming a member, that day
    /// included; 0: no end.
    pub within_days: u32,
    /// Only for members of this tier or a higher one, when it begins and whenever something counts.
    pub min_tier: Tier,
    /// Stamps on one day at most; 0: no limit.
    pub max_per_day: u32,
    /// A card is followed by the next; a challenge can be joined again once completed.
    pub repeats: bool,
    /// For tasks and challenges. A full card always stays: the next one starts behind instead.
    pub on_refund: OnRefund,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            key: String::new(),
            activity: Deed::CheckIn,
            object: String::new(),
            measure: Measure::Count,
            goal: 1,
            min_minor_units: 0,
            rewards: Vec::new(),
            from: None,
            until: None,
            within_days: 0,
            min_tier: Tier::Ordinary,
            max_per_day: 0,
            repeats: false,
            on_refund: OnRefund::Revoke,
        }
    }
}

/// So many days in a row, and what they bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// Days counted in one streak.
    pub days: u32,
    /// What they bring, each time anew.
    pub rewards: Vec<Reward>,
}

/// Missed days that a member can afford. They are used without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Freezes {
    /// How many a member has at first.
    pub start: u32,
    /// One more for so many days counted in a row; 0: never.
    pub every_days: u32,
    /// How many a member can hold.
    pub at_most: u32,
}

impl Default for Freezes {
    fn default() -> Self {
        Self { start: 1, every_days: 14, at_most: 2 }
    }
}

/// Days in a row on which a member does something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreakOffer {
    /// Its name.
    pub key: String,
    /// What makes a day count.
    pub activity: Deed,
    /// In ascending order of their days.
    pub milestones: Vec<Milestone>,
    /// Missed days that a member can afford.
    pub freezes: Freezes,
    /// A day missed while the time zone changed does no harm when the gap is shorter than this.
    pub travel_grace_hours: u32,
}

impl Default for StreakOffer {
    fn default() -> Self {
        Self {
            key: String::new(),
            activity: Deed::CheckIn,
            milestones: Vec::new(),
            freezes: Freezes::default(),
            travel_grace_hours: 36,
        }
    }
}

/// Rewards for one goal at most.
const MAX_REWARDS: usize = 20;
/// A goal at most: the largest sum of money that has a worth.
const MAX_GOAL: i64 = 1_000_000_000_000_000;
/// Days at most, a hundred years.
const MAX_DAYS: u32 = 36_600;

impl Goal {
    /// Whether an activity about this object counts.
    pub fn is_about(&self, object: &str) -> bool {
        match self.object.strip_suffix('*') {
            Some(beginning) => object.starts_with(beginning),
            None => self.object.is_empty() || self.object == object,
        }
    }

    /// Whether it is on offer on a day of the member.
    pub fn is_on(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// The last day that counts for who begins on a day.
    pub fn last_day(&self, began_on: NaiveDate) -> Option<NaiveDate> {
        let days = u64::from(self.within_days).checked_sub(1);
        let end = days.and_then(|days| began_on.checked_add_days(chrono::Days::new(days)));
        end.into_iter().chain(self.until).min()
    }

    pub(super) fn fault(&self, sort: Sort) -> Option<&'static str> {
        let card = sort == Sort::Card;
        match () {
            () if !(1..=MAX_GOAL).contains(&self.goal) => {
                Some("has a goal below 1 or above 1,000,000,000,000,000")
            }
            () if self.object.chars().count() > 128 => Some("is about an object that cannot be"),
            () if !(0..=MAX_GOAL).contains(&self.min_minor_units) => {
                Some("asks for an amount that cannot be paid")
            }
            () if card && (self.measure != Measure::Count || self.activity != Deed::Purchase) => {
                Some("does not count purchases as stamps")
            }
            () if self.activity != Deed::Purchase
                && (self.measure == Measure::Paid || self.min_minor_units > 0) =>
            {
                Some("counts money where none is paid")
            }
            () if card && self.within_days > 0 => Some("lets a stamp card run out"),
            () if self.max_per_day > 0 && !card => Some("limits a day but is no stamp card"),
            () if self.within_days > MAX_DAYS => Some("may take more than a hundred years"),
            () if sort == Sort::Challenge && self.within_days == 0 && self.until.is_none() => {
                Some("is a challenge that never ends")
            }
            () if sort == Sort::Task && self.repeats => Some("is a task that repeats"),
            () if self.measure == Measure::Days
                && self.within_days > 0
                && self.goal > i64::from(self.within_days) =>
            {
                Some("asks for more days than it gives")
            }
            () if self.from.zip(self.until).is_some_and(|(from, until)| from > until) => {
                Some("ends before it begins")
            }
            () => rewards(&self.rewards),
        }
    }
}

impl StreakOffer {
    pub(super) fn fault(&self) -> Option<&'static str> {
        let days = |milestone: &Milestone| milestone.days;
        let ascending = self.milestones.windows(2).all(|pair| pair[0].days < pair[1].days);
        let sound = self.milestones.iter().all(|m| (1..=MAX_DAYS).contains(&days(m)));
        match () {
            () if !ascending || !sound || self.milestones.len() > MAX_REWARDS => {
                Some("has milestones out of order, below 1 day, or more than 20")
            }
            () if self.freezes.at_most > 366 || self.freezes.start > self.freezes.at_most => {
                Some("lets members hold more than 366 freezes, or fewer than they start with")
            }
            () if self.freezes.every_days > MAX_DAYS => Some("earns a freeze too late"),
            () if self.travel_grace_hours > 48 => Some("forgives more than 48 hours of travel"),
            () => self.milestones.iter().find_map(|milestone| rewards(&milestone.rewards)),
        }
    }
}

fn rewards(rewards: &[Reward]) -> Option<&'static str> {
    match rewards.len() {
        0 => Some("brings nothing"),
        n if n > MAX_REWARDS => Some("brings more than 20 rewards"),
        _ => rewards.iter().find_map(Reward::fault),
    }
}
