//! Whose price holds for whom.
//!
//! Who began under a version keeps its prices and terms for as long as the membership goes on (a
//! cohort, as Google Play has it), until a later version begins for existing members too. Of
//! several such versions the newest one holds, whichever was first (reference, S9; B20: the oldest
//! one must not win). What is cheaper for new members is so for all.

use super::Period;
use crate::domain::{Programme, RuleVersion, Time};

/// A price, and the version that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The name of the version.
    pub version: String,
}

/// The version whose terms hold at `at` for a membership that began at `began`: the newest that
/// has begun for it and sells the plan. A period that begins at the very instant from which a
/// version holds belongs to it.
pub fn terms<'a>(
    programme: &'a Programme,
    began: Time,
    plan: &str,
    period: Period,
    at: Time,
) -> &'a RuleVersion {
    let sells = |version: &&RuleVersion| version.plans.price(plan, period).is_some();
    let newest = programme.in_force_for(began, at);
    if sells(&newest) {
        return newest;
    }
    let dated = programme.versions().iter().zip(programme.timings()).rev();
    let begun = dated.filter(|(_, timing)| timing.starts_for(began) <= at).map(|(rule, _)| rule);
    begun.chain(programme.versions().iter().rev()).find(sells).unwrap_or(newest)
}

/// What a period that begins at `at` costs a member who began at `began`.
pub fn protected(
    programme: &Programme,
    began: Time,
    plan: &str,
    period: Period,
    at: Time,
) -> Option<Price> {
    let own = listed(terms(programme, began, plan, period, at), plan, period);
    let new = listed(programme.in_force(at), plan, period);
    match (own, new) {
        (Some(own), Some(new)) if new.currency == own.currency && new.amount < own.amount => {
            Some(new)
        }
        (own, new) => own.or(new),
    }
}

/// What a period costs somebody new.
pub fn listed(version: &RuleVersion, plan: &str, period: Period) -> Option<Price> {
    let amount = version.plans.price(plan, period)?;
    let currency = version.plans.currency.clone();
    Some(Price { amount, currency, version: version.version.clone() })
}
