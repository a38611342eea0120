//! The figures of the rules. All are configuration; the defaults are those of the product's
//! sources (rows ID-4, ID-5, ID-7) where the sources give one, and said to be ours where not.

use crate::domain::calendar::{Calendar, Day, day_of_date};
use crate::domain::money::Currency;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Every figure that decides about a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Lifecycle segments.
    pub segments: SegmentRules,
    /// Churn risk.
    pub risk: RiskRules,
}

/// Lifecycle segments (ID-4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentRules {
    /// "new": registered at most so many days ago.
    pub new_days: i64,
    /// "active": at least so many uses within 7 calendar days, and
    pub active_uses_a_week: i64,
    /// at least so many interactions within 30 calendar days.
    pub active_interactions_a_month: i64,
    /// "high_value": spent at least so much of the industry average within 365 calendar days.
    pub high_value_percent: i64,
    /// What a customer spends in a year on average, by industry and currency. A currency without
    /// an entry makes nobody high-value by spending.
    pub industry_averages: Vec<IndustryAverage>,
    /// "churn_risk": no login for so many days, or
    pub churn_silent_days: i64,
    /// the last three sessions shorter than the peak by so much.
    pub churn_session_drop_percent: i64,
}

/// What a customer of an industry spends in a year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndustryAverage {
    /// The profile's `industry`; empty: every industry without an entry of its own.
    #[serde(default)]
    pub industry: String,
    /// ISO 4217 code.
    pub currency: Currency,
    /// First day on which it holds; the latest one that has begun is used.
    pub valid_from: NaiveDate,
    /// Minor units a year.
    pub minor_units: i64,
}

/// Churn risk (ID-7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskRules {
    /// Points for silence by its length. The first step, 14 days, is the sources'; the later
    /// ones are ours.
    pub silence: Vec<SilenceStep>,
    /// Length of the two stretches of days that are compared for "use down".
    pub use_down_days: i32,
    /// By how much use must have fallen.
    pub use_down_percent: i64,
    /// Uses needed in the earlier stretch, so that chance does not count (ours).
    pub use_down_least_before: i64,
    /// Points for use down.
    pub use_down_points: i32,
    /// Points while a complaint is open.
    pub complaint_points: i32,
    /// How long a negative review counts, in days (ours).
    pub review_days: i64,
    /// Points for a negative review.
    pub review_points: i32,
    /// Points from which the grade is light,
    pub light_points: i32,
    /// medium,
    pub medium_points: i32,
    /// severe.
    pub severe_points: i32,
}

/// Silence of `days` or more gives `points`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "said above")]
pub struct SilenceStep {
    pub days: i64,
    pub points: i32,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self {
            new_days: 30,
            active_uses_a_week: 3,
            active_interactions_a_month: 5,
            high_value_percent: 150,
            industry_averages: vec![IndustryAverage {
                industry: String::new(),
                currency: Currency::USD,
                // What a customer of CDNOW, an online music shop, spent in the first year: mean
                // of the 2,357 customers of the public sample (Fader, Hardie & Lee 2005). A
                // figure to start with; set your industry's own.
                valid_from: NaiveDate::default(),
                minor_units: 90_37,
            }],
            churn_silent_days: 30,
            churn_session_drop_percent: 50,
        }
    }
}

impl Default for RiskRules {
    fn default() -> Self {
        let step = |days, points| SilenceStep { days, points };
        Self {
            silence: vec![step(14, 1), step(30, 2), step(60, 3)],
            use_down_days: 14,
            use_down_percent: 50,
            use_down_least_before: 4,
            use_down_points: 1,
            complaint_points: 1,
            review_days: 30,
            review_points: 1,
            light_points: 1,
            medium_points: 2,
            severe_points: 3,
        }
    }
}

impl SegmentRules {
    /// The average to hold a user's spending against on a day: the user's own industry before
    /// the general entry, the latest version that has begun.
    pub fn average(
        &self,
        industry: &str,
        currency: Currency,
        today: Day,
    ) -> Option<&IndustryAverage> {
        self.industry_averages
            .iter()
            .filter(|average| average.currency == currency)
            .filter(|average| average.industry == industry || average.industry.is_empty())
            .filter(|average| day_of_date(average.valid_from) <= today)
            .max_by_key(|average| (!average.industry.is_empty(), average.valid_from))
    }

    /// Moments at which a version begins.
    pub fn average_starts(&self, calendar: Calendar) -> impl Iterator<Item = DateTime<Utc>> {
        let days = self.industry_averages.iter().map(|average| day_of_date(average.valid_from));
        days.map(move |day| calendar.start_of(day))
    }
}

impl IndustryAverage {
    /// Names the version, for explanations.
    pub fn version(&self) -> String {
        let industry = if self.industry.is_empty() { "any" } else { &self.industry };
        format!("industry_average/{industry}/{}/{}", self.currency, self.valid_from)
    }
}

impl RiskRules {
    /// The shortest silence that counts at all; `None` when silence does not count.
    pub fn first_silence(&self) -> Option<TimeDelta> {
        self.silence.iter().map(|step| TimeDelta::days(step.days)).min()
    }

    /// The points for a silence.
    pub fn silence_points(&self, silence: TimeDelta) -> i32 {
        let reached = self.silence.iter().filter(|step| silence >= TimeDelta::days(step.days));
        reached.map(|step| step.points).max().unwrap_or(0)
    }
}
