//! When money that was set aside for points becomes revenue (IFRS 15): in proportion to the points
//! redeemed of those expected ever to be redeemed. When the expectation changes, the period in which
//! it does catches up for all periods before.

/// One period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Of this period; negative when more redemptions are expected than before. Minor units.
    pub revenue: i64,
    /// Since the beginning.
    pub recognised: i64,
    /// Still set aside.
    pub deferred: i64,
}

/// How much of `allocated` is revenue when `redeemed` of `expected` points are redeemed, rounded
/// down; all of it when all are. `allocated` is not negative; `redeemed` and `expected` count from
/// the beginning.
pub fn recognised(allocated: i64, redeemed: i64, expected: i64) -> i64 {
    if redeemed <= 0 {
        return 0;
    }
    if redeemed >= expected {
        return allocated;
    }
    let exact = i128::from(allocated) * i128::from(redeemed) / i128::from(expected);
    i64::try_from(exact).unwrap_or(allocated)
}

/// Period after period, from the points (redeemed, expected) at the end of each.
pub fn schedule(allocated: i64, periods: &[(i64, i64)]) -> Vec<Line> {
    let mut before = 0;
    let line = |(redeemed, expected): &(i64, i64)| {
        let recognised = recognised(allocated, *redeemed, *expected);
        let revenue = recognised - before;
        before = recognised;
        Line { revenue, recognised, deferred: allocated - recognised }
    };
    periods.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn revenue(periods: &[(i64, i64)]) -> Vec<i64> {
        schedule(9_000, periods).iter().map(|line| line.revenue).collect()
    }

    /// The figures of KPMG's handbook on IFRS 15: 9,000 are set aside for 10,000 points. After the
    /// first year 4,500 are redeemed of 9,700 that will be; after the second 8,500, and now either
    /// 9,900 or 9,200 will be.
    #[test]
    fn the_handbooks_figures() {
        assert_eq!(revenue(&[(4_500, 9_700)]), [4_175]);
        assert_eq!(revenue(&[(4_500, 9_700), (8_500, 9_900)]), [4_175, 3_552]);
        assert_eq!(revenue(&[(4_500, 9_700), (8_500, 9_200)]), [4_175, 4_140]);
    }

    #[test]
    fn the_ends_of_the_scale() {
        assert_eq!(schedule(9_000, &[(0, 0)])[0].deferred, 9_000);
        assert_eq!(schedule(9_000, &[(9_200, 9_200)])[0].deferred, 0);
        assert_eq!(revenue(&[(4_500, 5_000), (4_500, 9_000)]), [8_100, -3_600]);
        assert_eq!(recognised(i64::MAX, i64::MAX - 1, i64::MAX), i64::MAX - 1);
    }

    proptest! {
        /// Whatever was expected on the way, in the end all of it is revenue, once.
        #[test]
        fn all_of_it_in_the_end(
            allocated in 0i64..1_000_000_000_000_000,
            periods in prop::collection::vec((0i64..1_000_000, 0i64..1_000_000), 0..12),
        ) {
            let mut periods: Vec<_> = periods.into_iter().map(|(a, b)| (a, a + b)).collect();
            periods.push((1_000_000, 1_000_000));
            let lines = schedule(allocated, &periods);
            prop_assert_eq!(lines.iter().map(|line| line.revenue).sum::<i64>(), allocated);
            prop_assert!(lines.iter().all(|line| (0..=allocated).contains(&line.deferred)));
        }
    }
}
