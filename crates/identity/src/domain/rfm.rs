//! Recency, frequency, monetary value by quintile (product row ID-5); ties share a score.
//!
//! score = ceil(5 x cume_dist), where cume_dist is the share of buyers whose value is no better.
//! NTILE would split equal customers by the order in which they happen to be stored: of CDNOW's
//! 23,570 customers 12,054 bought once, and NTILE gives these the frequency scores 1, 2 and 3.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one buyer within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buyer {
    /// Last purchase, microseconds since 1970.
    pub last_purchase: i64,
    /// Number of purchases.
    pub purchases: i64,
    /// Purchases less refunds in minor units.
    pub spent: i64,
}

/// Scores from 1 to 5, 5 the best: recency, frequency, monetary value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "said above")]
pub struct Scores {
    pub recency: u8,
    pub frequency: u8,
    pub monetary: u8,
}

/// How a population of buyers is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Number of buyers.
    pub buyers: i64,
    /// Buyers in each occupied cell, best cell first.
    pub cells: Vec<(Scores, i64)>,
    recency: Scale,
    frequency: Scale,
    monetary: Scale,
}

/// The lowest value of each score from 2 to 5; empty without buyers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Scale(Vec<i64>);

impl Scale {
    /// With N values in order, a value scores more than k when more than k/5 of them are no
    /// better, that is when it is at least the one at place floor(k N / 5), counted from 0.
    fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let cuts = (1..5).filter_map(|k| values.get(k * values.len() / 5).copied());
        Self(cuts.collect())
    }

    fn score(&self, value: i64) -> u8 {
        // At most four cuts.
        1 + u8::try_from(self.0.iter().filter(|cut| value >= **cut).count()).unwrap_or(4)
    }
}

impl Table {
    /// Scores a population.
    pub fn of(buyers: &[Buyer]) -> Self {
        let scale = |value: fn(&Buyer) -> i64| Scale::of(buyers.iter().map(value).collect());
        let mut table = Self {
            buyers: i64::try_from(buyers.len()).unwrap_or(i64::MAX),
            cells: Vec::new(),
            recency: scale(|buyer| buyer.last_purchase),
            frequency: scale(|buyer| buyer.purchases),
            monetary: scale(|buyer| buyer.spent),
        };
        let mut cells = BTreeMap::<Scores, i64>::new();
        for buyer in buyers {
            *cells.entry(table.score(buyer)).or_default() += 1;
        }
        table.cells = cells.into_iter().rev().collect();
        table
    }

    /// Scores one buyer, who may have come after the population was looked at.
    pub fn score(&self, buyer: &Buyer) -> Scores {
        Scores {
            recency: self.recency.score(buyer.last_purchase),
            frequency: self.frequency.score(buyer.purchases),
            monetary: self.monetary.score(buyer.spent),
        }
    }

    /// Buyers at each score from 1 to 5 of one of the three.
    pub fn buyers_by(&self, which: impl Fn(&Scores) -> u8) -> [i64; 5] {
        let mut counts = [0; 5];
        for (scores, buyers) in &self.cells {
            counts[usize::from(which(scores).clamp(1, 5)) - 1] += buyers;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_share_the_highest_score() {
        // Half the customers bought once: cume_dist of 1 is .5, so ceil(2.5) = 3 for all of them.
        let mut counts = vec![1; 50];
        counts.extend(2..52);
        let scale = Scale::of(counts);
        assert_eq!(scale.score(1), 3);
        assert_eq!(scale.score(11), 3);
        assert_eq!(scale.score(12), 4);
        assert_eq!(scale.score(51), 5);
        // A single buyer is as good as everybody.
        assert_eq!(Scale::of(vec![7]).score(7), 5);
    }

    proptest! {
        /// The cut points give what the definition says, for every value.
        #[test]
        fn score_is_five_times_cume_dist_rounded_up(
            values in prop::collection::vec(-5_i64..40, 1..200),
        ) {
            let scale = Scale::of(values.clone());
            for value in &values {
                let no_better = values.iter().filter(|other| *other <= value).count();
                prop_assert_eq!(usize::from(scale.score(*value)), (5 * no_better).div_ceil(values.len()));
            }
        }

        #[test]
        fn everybody_is_in_one_cell(spent in prop::collection::vec(0_i64..100, 0..60)) {
            let buyers: Vec<_> =
                spent.iter().map(|s| Buyer { last_purchase: s / 3, purchases: s % 4, spent: *s }).collect();
            let table = Table::of(&buyers);
            let count = |which: fn(&Scores) -> u8| table.buyers_by(which).iter().sum::<i64>();
            prop_assert_eq!(table.cells.iter().map(|(_, n)| n).sum::<i64>(), table.buyers);
            prop_assert_eq!(count(|s| s.recency), table.buyers);
            prop_assert_eq!(count(|s| s.monetary), table.buyers);
        }
    }
}
