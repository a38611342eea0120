//! The one rounding of points: downwards, at the earning (reference, S7).
//!
//! Law: where fractions are carried, `den x points + carried` is exactly the sum of what everything
//! was worth, so a hundred purchases of 0.99 earn what one of 99.00 does, and refunds leave nothing
//! behind.

use serde::{Deserialize, Serialize};

/// What happens to the fraction of a point that an earning leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// It is dropped.
    #[default]
    Floor,
    /// The member keeps it until it makes a whole point with others.
    Carry,
}

/// A rate: points for each minor unit, `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Not negative.
    pub num: i64,
    /// Positive.
    pub den: i64,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl std::str::FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (num, den) = text.split_once('/').ok_or(())?;
        let rate = Self { num: num.parse().map_err(drop)?, den: den.parse().map_err(drop)? };
        if rate.den > 0 { Ok(rate) } else { Err(()) }
    }
}

impl Rate {
    /// Whole points for an amount of minor units and a carried fraction (in `1 / den`), and the
    /// fraction that is left. A fraction below zero (refunds took more than there was) is made up
    /// for first; points are never negative.
    pub fn points(self, minor_units: i64, carried: i64) -> (i64, i64) {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        let exact = i128::from(minor_units) * num + i128::from(carried);
        let up = if flawed!(Rounding) { den / 2 } else { 0 };
        let points = (exact + up).div_euclid(den).max(0);
        let left = exact - points * den;
        (i64::try_from(points).unwrap_or(i64::MAX), i64::try_from(left).unwrap_or(0))
    }

    /// What a refund does to the carried fraction when it takes `points` back: what the refunded
    /// money was worth leaves, what the points are worth returns.
    pub fn refund(self, minor_units: i64, points: i64) -> i64 {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        let change = i128::from(points) * den - i128::from(minor_units) * num;
        i64::try_from(change).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refund::next_share;
    use proptest::prelude::*;

    const YUAN: Rate = Rate { num: 1, den: 100 };

    #[test]
    fn a_hundred_small_purchases_earn_what_a_large_one_does() {
        let (mut points, mut carried) = (0, 0);
        for _ in 0..100 {
            let (more, left) = YUAN.points(99, carried);
            (points, carried) = (points + more, left);
        }
        assert_eq!((points, carried), YUAN.points(9_900, 0));
        assert_eq!((points, carried), (99, 0));
    }

    #[test]
    fn buying_and_giving_back_makes_nothing_of_nothing() {
        // 0.99 carries 0.99 of a point; given back, the next cent must not make it a whole one.
        let (points, carried) = YUAN.points(99, 0);
        assert_eq!((points, carried), (0, 99));
        let carried = carried + YUAN.refund(99, 0);
        assert_eq!(YUAN.points(1, carried), (0, 1));
    }

    proptest! {
        #[test]
        fn what_is_dropped_is_less_than_a_point(
            minor in 0i64..1_000_000_000_000_000, num in 0i64..100_000, den in 1i64..1_000,
        ) {
            let rate = Rate { num, den };
            prop_assume!(num <= 1_000 * den);
            let (points, left) = rate.points(minor, 0);
            prop_assert!((0..den).contains(&left));
            let exact = i128::from(minor) * i128::from(num);
            prop_assert_eq!(i128::from(points) * i128::from(den) + i128::from(left), exact);
        }

        #[test]
        fn parts_earn_what_their_sum_does(
            parts in prop::collection::vec(0i64..100_000, 1..50),
            num in 0i64..50, den in 1i64..200,
        ) {
            let rate = Rate { num, den };
            let (mut points, mut carried) = (0, 0);
            for part in &parts {
                let (more, left) = rate.points(*part, carried);
                (points, carried) = (points + more, left);
            }
            prop_assert_eq!((points, carried), rate.points(parts.iter().sum(), 0));
        }

        /// Purchases and their refunds in any order and in any parts: the law holds at every step,
        /// and when all is given back nothing is left, not even a fraction.
        #[test]
        fn refunds_leave_nothing_behind(
            amounts in prop::collection::vec((1i64..500, 1i64..500), 1..20),
            num in 1i64..30, den in 1i64..200,
        ) {
            let rate = Rate { num, den };
            let (mut carried, mut held, mut exact) = (0i64, 0i64, 0i64);
            let mut bought = Vec::new();
            for (amount, first) in amounts {
                let (points, left) = rate.points(amount, carried);
                (carried, held, exact) = (left, held + points, exact + amount * num);
                prop_assert_eq!(held * den + carried, exact);
                // A part goes back at once, before the next purchase.
                let part = first.min(amount);
                let back = next_share(points, amount, 0, part);
                (carried, held) = (carried + rate.refund(part, back), held - back);
                exact -= part * num;
                prop_assert_eq!(held * den + carried, exact);
                bought.push((points, amount, part));
            }
            for (points, amount, before) in bought {
                let back = next_share(points, amount, before, amount - before);
                (carried, held) = (carried + rate.refund(amount - before, back), held - back);
            }
            prop_assert_eq!((held, carried), (0, 0));
        }
    }
}
