//! What members are given for what they did, beside the points of purchases.
//!
//! Invariant: a reward is given at most once for its cause, whatever asks for it how often: the
//! id of the grant is derived from member, cause and reward (reference, S5).

use super::{GrantId, Tier, Time};
use perennial_platform::id::Kind;
use serde::{Deserialize, Serialize};

/// A reward as the rules promise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reward {
    /// Whole points; good for as long as the rules say.
    Points(i64),
    /// The badge with this key.
    Badge(String),
    /// Time of a membership plan, without payment.
    Membership {
        /// The key of the plan.
        plan: String,
        /// For how long.
        #[serde(flatten)]
        span: Span,
    },
    /// A coupon of the kind with this key.
    Coupon(String),
    /// A feature, open for a time; a span of nothing opens it for good.
    Feature {
        /// The caller's key of the feature.
        feature: String,
        /// For how long.
        #[serde(flatten)]
        span: Span,
    },
    /// A tier, for as long as the rules guarantee one.
    Tier(Tier),
}

/// Whole calendar months and days, the months first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    /// Months; a day that the last one lacks becomes its last.
    pub months: u32,
    /// Days after those.
    pub days: u32,
}

/// What a reward is given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// "task", "challenge", "streak", "stamp-card", "referral", "compensation", ...
    pub kind: &'static str,
    /// Which one: unique among the causes of this kind and member, for ever.
    pub id: String,
    /// The version of the rules that promised it.
    pub rule_version: String,
}

/// A reward that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// To whom.
    pub user: String,
    /// What.
    pub reward: Reward,
    /// The kind of its cause.
    pub cause: String,
    /// Which one of those.
    pub cause_id: String,
    /// The version of the rules that promised it.
    pub rule_version: String,
    /// When.
    pub granted_at: Time,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
}

impl Kind for Grant {
    const PREFIX: &'static str = "grant";
}

impl Grant {
    /// The id of the `n`-th reward that a member gets for a cause.
    pub fn id_for(user: &str, cause: &Cause, n: usize) -> GrantId {
        GrantId::derived(&format!("grant {} {n} {} {user}", cause.kind, cause.id))
    }
}

impl Reward {
    /// Why it cannot be promised, taken alone.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Points(points) if !(1..=1_000_000_000).contains(points) => {
                Some("gives no points or more than 1,000,000,000")
            }
            Self::Badge(key) | Self::Coupon(key) if key.is_empty() => Some("gives what has no key"),
            Self::Membership { plan, .. } if plan.is_empty() => Some("gives what has no key"),
            Self::Membership { span, .. } if span.is_empty() => {
                Some("gives a membership of no time")
            }
            Self::Feature { feature, .. } if feature.is_empty() => Some("gives what has no key"),
            Self::Membership { span, .. } | Self::Feature { span, .. } if span.is_too_long() => {
                Some("gives more than a hundred years")
            }
            _ => None,
        }
    }
}

impl Span {
    /// Nothing at all.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn is_too_long(self) -> bool {
        self.months > 1_200 || self.days > 36_600
    }
}
