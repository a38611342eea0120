//! Coupons by purchase cycle: who usually buys every four weeks gets one when four weeks are over.

use crate::domain::Time;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A coupon that comes when a member's own gap between purchases has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleRule {
    /// The key of the kind.
    pub coupon: String,
    /// The gap of members who bought fewer times than `min_purchases`.
    pub default_days: u32,
    /// Purchases from which a member's own gap is known; at least 2.
    pub min_purchases: u32,
}

impl CycleRule {
    /// Why it is not sound.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if !(1..=3_660).contains(&self.default_days) => Some("has a cycle of no days"),
            () if !(2..=100).contains(&self.min_purchases) => Some("knows a gap from no purchases"),
            () => None,
        }
    }

    /// When the coupon is due after these purchases, if nothing more is bought; at least a day
    /// after the last.
    pub fn due_at(&self, purchases: &[Time]) -> Option<Time> {
        let last = purchases.iter().max()?;
        let known = purchases.len() >= usize::try_from(self.min_purchases).unwrap_or(usize::MAX);
        let own = if known { usual_gap(purchases) } else { None };
        let gap = own.unwrap_or(TimeDelta::days(i64::from(self.default_days)));
        last.checked_add_signed(gap.max(TimeDelta::days(1)))
    }
}

/// The median gap between purchases, the lower one of two; `None` for fewer than two.
pub fn usual_gap(purchases: &[Time]) -> Option<TimeDelta> {
    let mut times = purchases.to_vec();
    times.sort_unstable();
    let mut gaps: Vec<TimeDelta> = times.windows(2).map(|two| two[1] - two[0]).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len().checked_sub(1)? / 2).copied()
}
