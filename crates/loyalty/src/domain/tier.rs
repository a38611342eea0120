//! Tiers: what qualifies a member, and how that is judged.
//!
//! Invariant: a tier is a pure function of the facts recorded up to an instant, the rules and that
//! instant; [`standing`] computes it, in one go or step by step with the same result (reference, S8).

pub mod fact;
pub mod standing;

pub use fact::{Deal, DealId, Fact, Metrics};
pub use standing::{Cause, Change, Standing};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The tiers, the lowest first. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the tiers of kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum Tier {
    Ordinary = 1,
    Silver = 2,
    Gold = 3,
    Diamond = 4,
}

impl Tier {
    /// All of them, the lowest first.
    pub const ALL: [Self; 4] = [Self::Ordinary, Self::Silver, Self::Gold, Self::Diamond];

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.number() == number)
    }

    /// The next lower one; the lowest stays.
    #[must_use]
    pub fn down(self) -> Self {
        Self::ALL.into_iter().rev().find(|tier| *tier < self).unwrap_or(Self::Ordinary)
    }

    /// The next higher one.
    pub fn up(self) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| *tier > self)
    }
}

/// How members are judged by one version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TierRules {
    /// For how many days a purchase counts.
    pub window_days: u32,
    /// For how many days a tier is guaranteed from the day it is reached.
    pub keep_days: u32,
    /// Where a member falls to when the guarantee has ended and the metrics are too low.
    pub downgrade: Downgrade,
    /// What silver asks for.
    pub silver: Threshold,
    /// What gold asks for.
    pub gold: Threshold,
    /// What diamond asks for.
    pub diamond: Threshold,
}

/// Where a member falls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downgrade {
    /// One tier lower, which is guaranteed for the same time again.
    #[default]
    OneDown,
    /// The tier the metrics reach.
    ToQualified,
}

/// What a tier asks for; one of the two is enough, 0 means that this metric does not lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// Money paid less refunds within the window, in minor units of the programme's currency.
    pub spend_minor_units: i64,
    /// Paid orders within the window, fully refunded ones left out.
    pub orders: i64,
}

impl Threshold {
    fn reached(&self, metrics: &Metrics) -> bool {
        (self.spend_minor_units > 0 && metrics.spend >= self.spend_minor_units)
            || (self.orders > 0 && metrics.orders >= self.orders)
    }
}

impl Default for TierRules {
    fn default() -> Self {
        let ask = |spend_minor_units, orders| Threshold { spend_minor_units, orders };
        Self {
            window_days: 365,
            keep_days: 365,
            downgrade: Downgrade::OneDown,
            silver: ask(50_000, 3),
            gold: ask(200_000, 8),
            diamond: ask(800_000, 20),
        }
    }
}

impl TierRules {
    /// For how long a purchase counts.
    pub fn window(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.window_days))
    }

    /// For how long a tier is guaranteed.
    pub fn keep(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.keep_days))
    }

    /// What a tier asks for; `None` for the lowest.
    pub fn threshold(&self, tier: Tier) -> Option<&Threshold> {
        match tier {
            Tier::Ordinary => None,
            Tier::Silver => Some(&self.silver),
            Tier::Gold => Some(&self.gold),
            Tier::Diamond => Some(&self.diamond),
        }
    }

    /// The highest tier that the metrics reach.
    pub fn qualified(&self, metrics: &Metrics) -> Tier {
        let reached = |tier: &Tier| self.threshold(*tier).is_some_and(|t| t.reached(metrics));
        Tier::ALL.into_iter().rev().find(reached).unwrap_or(Tier::Ordinary)
    }

    /// Why these rules are not sound.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let steps = [self.silver, self.gold, self.diamond];
        let negative = |t: &Threshold| t.spend_minor_units < 0 || t.orders < 0;
        match () {
            () if self.window_days == 0 || self.keep_days == 0 => {
                Some("has a tier window or guarantee of no days")
            }
            () if self.window_days > 36_600 || self.keep_days > 36_600 => {
                Some("has a tier window or guarantee of more than 36,600 days")
            }
            () if steps.iter().any(negative) => Some("has a negative tier threshold"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_reached_exactly() {
        let rules = TierRules::default();
        let by = |spend, orders| rules.qualified(&Metrics { spend, orders });
        for (tier, spend, orders) in
            [(Tier::Silver, 50_000, 3), (Tier::Gold, 200_000, 8), (Tier::Diamond, 800_000, 20)]
        {
            assert_eq!(by(spend - 1, 0), tier.down());
            assert_eq!(by(spend, 0), tier);
            assert_eq!(by(spend + 1, 0), tier);
            assert_eq!(by(0, orders - 1), tier.down());
            assert_eq!(by(0, orders), tier);
        }
    }

    #[test]
    fn a_metric_of_zero_leads_nowhere() {
        let rules = TierRules { silver: Threshold::default(), ..TierRules::default() };
        assert_eq!(rules.qualified(&Metrics { spend: 199_999, orders: 7 }), Tier::Ordinary);
    }
}
