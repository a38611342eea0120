//! Tiers: what qualifies a member, and how that is judged.
//!
//! Invariant: a tier is a pure function of the facts recorded up to an instant, the rules and that
//! instant; [`standing`] computes it, in one go or step by step with the same result (reference, S8).

pub mod fact;
pub mod standing;
pub mod window;

pub use fact::{Deal, DealId, Fact, Given, Metrics};
pub use standing::{Cause, Change, Standing};
pub use window::{Holder, Keep, Period, Upgrade, Window};

use super::Time;
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
    /// Over which time what qualifies is counted.
    pub window: Window,
    /// For how many days a purchase counts, where the window is rolling.
    pub window_days: u32,
    /// When a member rises.
    pub upgrade: Upgrade,
    /// Until when a tier is guaranteed.
    pub keep: Keep,
    /// For how many days a tier is guaranteed from the day it is reached, where that is told in
    /// days.
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
    /// The lowest, whatever the metrics are; what comes next may raise the member again.
    ToBase,
}

/// What a tier asks for; one of them is enough, 0 means that this metric does not lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// Money paid less refunds within the window, in minor units of the programme's currency.
    pub spend_minor_units: i64,
    /// Paid orders within the window, fully refunded ones left out.
    pub orders: i64,
    /// Friends brought who began to count within the window, those reversed since left out.
    pub recommendations: i64,
}

impl Threshold {
    fn reached(&self, metrics: &Metrics) -> bool {
        (self.spend_minor_units > 0
            && metrics.spend >= self.spend_minor_units + i64::from(flawed!(TierOffByOne)))
            || (self.orders > 0 && metrics.orders >= self.orders)
            || (self.recommendations > 0 && metrics.recommendations >= self.recommendations)
    }
}

impl Default for TierRules {
    fn default() -> Self {
        let ask = |spend_minor_units, orders, recommendations| Threshold {
            spend_minor_units,
            orders,
            recommendations,
        };
        Self {
            window: Window::Rolling,
            window_days: 365,
            upgrade: Upgrade::Immediate,
            keep: Keep::Days,
            keep_days: 365,
            downgrade: Downgrade::OneDown,
            silver: ask(50_000, 3, 2),
            gold: ask(200_000, 8, 5),
            diamond: ask(800_000, 20, 12),
        }
    }
}

impl TierRules {
    /// Nothing counts any longer that was this long ago; the longest span there is when
    /// everything counts for ever.
    pub fn window(&self) -> TimeDelta {
        self.window.reach(self.window_days).unwrap_or(TimeDelta::MAX)
    }

    /// Since when what counts at an instant has counted; the beginning of time where everything
    /// does.
    pub fn window_start(&self, at: Time, holder: &Holder) -> Time {
        match self.window.period(at, holder) {
            Some(period) => period.start,
            None if self.window == Window::Lifetime => Time::UNIX_EPOCH,
            None => at.checked_sub_signed(self.window()).unwrap_or(Time::UNIX_EPOCH),
        }
    }

    /// Until when a tier is guaranteed that a member has from an instant on. One that they fell to
    /// is guaranteed no longer than the period.
    pub fn keep_until(&self, at: Time, fallen: bool, holder: &Holder) -> Time {
        let ends = |at| self.window.period(at, holder).map(|period| period.end);
        let end = match self.keep {
            Keep::Days => None,
            Keep::EndOfPeriod => ends(at),
            Keep::EndOfNextPeriod if fallen => ends(at),
            Keep::EndOfNextPeriod => ends(at).and_then(ends),
        };
        let days = TimeDelta::days(i64::from(self.keep_days));
        end.or_else(|| at.checked_add_signed(days)).unwrap_or(Time::MAX_UTC)
    }

    /// Members fall only when a period ends.
    pub fn falls_by_period(&self) -> bool {
        self.window.is_periodic()
            && (self.keep != Keep::Days || self.upgrade == Upgrade::NextPeriod)
    }

    /// A period that has just ended is what counts when the next one begins.
    pub fn judges_ended(&self) -> bool {
        self.keep == Keep::EndOfNextPeriod || self.upgrade == Upgrade::NextPeriod
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
        let negative =
            |t: &Threshold| t.spend_minor_units < 0 || t.orders < 0 || t.recommendations < 0;
        let waits = self.upgrade != Upgrade::Immediate || self.keep != Keep::Days;
        match () {
            () if self.window_days == 0 || self.keep_days == 0 => {
                Some("has a tier window or guarantee of no days")
            }
            () if self.window_days > 36_600 || self.keep_days > 36_600 => {
                Some("has a tier window or guarantee of more than 36,600 days")
            }
            () if steps.iter().any(negative) => Some("has a negative tier threshold"),
            () if waits && !self.window.is_periodic() => {
                Some("waits for the end of a period of tiers, but has none")
            }
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
        let by = |spend, orders, recommendations| {
            rules.qualified(&Metrics { spend, orders, recommendations })
        };
        for tier in [Tier::Silver, Tier::Gold, Tier::Diamond] {
            let asks = *rules.threshold(tier).unwrap();
            for (more, reached) in [(-1, tier.down()), (0, tier), (1, tier)] {
                assert_eq!(by(asks.spend_minor_units + more, 0, 0), reached);
                assert_eq!(by(0, asks.orders + more, 0), reached);
                assert_eq!(by(0, 0, asks.recommendations + more), reached);
            }
        }
    }

    #[test]
    fn a_metric_of_zero_leads_nowhere() {
        let rules = TierRules { silver: Threshold::default(), ..TierRules::default() };
        let metrics = Metrics { spend: 199_999, orders: 7, recommendations: 4 };
        assert_eq!(rules.qualified(&metrics), Tier::Ordinary);
    }

    #[test]
    fn a_window_without_periods_has_no_end_to_wait_for() {
        for window in [Window::Rolling, Window::Lifetime] {
            let rules = TierRules { window, keep: Keep::EndOfPeriod, ..TierRules::default() };
            assert!(rules.fault().is_some());
            let next = TierRules { upgrade: Upgrade::NextPeriod, keep: Keep::Days, ..rules };
            assert!(next.fault().is_some());
        }
        let year = TierRules {
            window: Window::CalendarYear,
            upgrade: Upgrade::NextPeriod,
            keep: Keep::EndOfNextPeriod,
            ..TierRules::default()
        };
        assert_eq!(year.fault(), None);
    }

    #[test]
    fn rules_written_before_there_were_windows_still_hold() {
        let text = r#"{"window_days": 90, "keep_days": 30, "silver": {"orders": 2}}"#;
        let rules: TierRules = serde_json::from_str(text).unwrap();
        assert_eq!((rules.window, rules.keep), (Window::Rolling, Keep::Days));
        assert_eq!(rules.silver.recommendations, 0);
    }
}
