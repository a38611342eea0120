//! What purchases give to charity.
//!
//! Law: all refunds of an order together take back exactly what was set aside for it, whatever
//! their number and order (the law of [`super::refund`]).

use perennial_platform::id::{Id, Kind};
use serde::{Deserialize, Serialize};

/// Names an amount set aside; derived from the purchase and the project.
pub type SetAsideId = Id<SetAside>;

/// Something that money is set aside for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its key.
    pub key: String,
    /// What purchases give; the first part that fits a purchase counts.
    pub parts: Vec<Part>,
}

/// What some purchases give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Part {
    /// Of objects that begin so; empty: of all.
    pub object_prefix: String,
    /// ISO 4217 code of the currency paid in.
    pub currency: String,
    /// Minor units for each order.
    pub fixed_minor_units: i64,
    /// And hundredths of a percent of what was paid, rounded down.
    pub basis_points: u32,
}

/// Money or points that somebody gave. Refunds are further rows, below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its name.
    pub id: SetAsideId,
    /// Whose purchase.
    pub user: String,
    /// For what.
    pub project: String,
    /// The order.
    pub order: String,
    /// What this takes back.
    pub reverses: Option<SetAsideId>,
    /// ISO 4217 code; empty for points.
    pub currency: String,
    /// What was paid or refunded.
    pub paid: i64,
    /// What is set aside, or taken back.
    pub amount: i64,
    /// Points given.
    pub points: i64,
    /// The local month, as YYYY-MM.
    pub month: String,
    /// The version of the rules that decided.
    pub rule_version: String,
}

impl Kind for SetAside {
    const PREFIX: &'static str = "gift";
}

impl Default for Part {
    fn default() -> Self {
        Self {
            object_prefix: String::new(),
            currency: "CNY".to_owned(),
            fixed_minor_units: 0,
            basis_points: 0,
        }
    }
}

impl Project {
    /// What a purchase gives; never more than was paid.
    pub fn share(&self, object: &str, currency: &str, paid: i64) -> i64 {
        let fits =
            |part: &&Part| part.currency == currency && object.starts_with(&part.object_prefix);
        self.parts.iter().find(fits).map_or(0, |part| {
            let exact = i128::from(paid) * i128::from(part.basis_points) / 10_000;
            let share = i64::try_from(exact).unwrap_or(i64::MAX);
            share.saturating_add(part.fixed_minor_units).min(paid)
        })
    }

    /// Why it is not sound.
    pub fn fault(&self) -> Option<&'static str> {
        let sound = |part: &Part| {
            (0..=1_000_000_000).contains(&part.fixed_minor_units) && part.basis_points <= 10_000
        };
        match () {
            () if self.key.is_empty() || self.key.len() > 128 => Some("has no key, or a long one"),
            () if !self.parts.iter().all(sound) => {
                Some("gives less than nothing, or more than all")
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_that_fits_counts() {
        let project = Project {
            key: "schools".to_owned(),
            parts: vec![
                Part {
                    object_prefix: "course:".to_owned(),
                    fixed_minor_units: 100,
                    ..Part::default()
                },
                Part { basis_points: 1_000, ..Part::default() },
            ],
        };
        assert_eq!(project.share("course:rust", "CNY", 19_900), 100);
        assert_eq!(project.share("course:rust", "CNY", 60), 60);
        assert_eq!(project.share("plan:basic", "CNY", 1_999), 199);
        assert_eq!(project.share("plan:basic", "USD", 1_999), 0);
    }
}
