//! What the rules of points made of something a member did, kept so that it can be told and computed
//! again: every number names its rule, its version and what was read, and so does every nothing.

use super::rounding::Rate;
use super::tier::DealId;
use super::{EntryId, Time};
use std::collections::BTreeMap;

/// The rule that rewards purchases.
pub const PURCHASE: &str = "purchase";
/// The rule that rewards the first check-in of a day.
pub const CHECK_IN: &str = "check-in";
/// The rule that takes back what a purchase earned.
pub const REFUND: &str = "refund";

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Derived from the business event.
    pub id: DealId,
    /// Who did it.
    pub user: String,
    /// The rule that judged.
    pub rule: String,
    /// Its version.
    pub version: String,
    /// The order it was about; may be empty.
    pub order: String,
    /// What the rule read.
    pub facts: BTreeMap<String, String>,
    /// What it gave or took, or why nothing.
    pub outcome: Result<EntryId, NoPoints>,
    /// What it added to the fraction that the member carries on.
    pub carried: Option<Fraction>,
    /// When it happened.
    pub occurred_at: Time,
    /// When it was judged.
    pub recorded_at: Time,
}

/// `num / den` of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// May be negative.
    pub num: i64,
    /// Positive.
    pub den: i64,
}

/// Why nothing was earned. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in kinds.proto, whose numbers these are")]
#[repr(i16)]
pub enum NoPoints {
    UnknownEvent = 1,
    CurrencyWithoutRate = 2,
    BelowOnePoint = 3,
    MemberClosed = 4,
    CheckInAlreadyRewarded = 5,
    NoReward = 6,
    BalanceLimit = 7,
    NothingToTakeBack = 8,
}

impl NoPoints {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [
            Self::UnknownEvent,
            Self::CurrencyWithoutRate,
            Self::BelowOnePoint,
            Self::MemberClosed,
            Self::CheckInAlreadyRewarded,
            Self::NoReward,
            Self::BalanceLimit,
            Self::NothingToTakeBack,
        ]
        .into_iter()
        .find(|reason| reason.number() == number)
    }
}

/// What a rule gives for the facts it read: the explanation carried out. `None` when the rule or its
/// facts are not of this kind.
pub fn recompute(rule: &str, facts: &BTreeMap<String, String>) -> Option<i64> {
    let number = |name: &str| facts.get(name)?.parse::<i64>().ok();
    match rule {
        PURCHASE => {
            let rate: Rate = facts.get("rate")?.parse().ok()?;
            Some(rate.points(number("minor_units")?, number("carried_in").unwrap_or(0)).0)
        }
        CHECK_IN => number("points"),
        REFUND => Some(super::refund::next_share(
            number("order_points")?,
            number("order_minor_units")?,
            number("refunded_before")?,
            number("minor_units")?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<const N: usize>(read: [(&str, &str); N]) -> BTreeMap<String, String> {
        read.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn facts_give_the_number_again() {
        let bought = facts([("minor_units", "1177"), ("rate", "7/100")]);
        assert_eq!(recompute(PURCHASE, &bought), Some(82));
        let carried = facts([("minor_units", "99"), ("rate", "1/100"), ("carried_in", "99")]);
        assert_eq!(recompute(PURCHASE, &carried), Some(1));
        let owed = facts([("minor_units", "99"), ("rate", "1/100"), ("carried_in", "-999")]);
        assert_eq!(recompute(PURCHASE, &owed), Some(0));
        assert_eq!(recompute(CHECK_IN, &facts([("points", "5")])), Some(5));
        let part = [
            ("order_points", "10"),
            ("order_minor_units", "999"),
            ("refunded_before", "500"),
            ("minor_units", "499"),
        ];
        assert_eq!(recompute(REFUND, &facts(part)), Some(5));
        assert_eq!(recompute(PURCHASE, &facts([("rate", "1/0"), ("minor_units", "1")])), None);
        assert_eq!(recompute("referral", &bought), None);
    }
}
