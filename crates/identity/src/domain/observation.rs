//! What was seen beside what was asked for: every verdict is made of these, so a verdict and its
//! explanation cannot differ.

use crate::domain::money::Money;
use chrono::TimeDelta;

/// A value that a rule compares. Only values of one kind are ever compared.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Quantity {
    /// A number of things.
    Count(i64),
    /// A length of time.
    Duration(TimeDelta),
    /// An amount; compared within one currency only.
    Money(Money),
    /// Yes or no.
    Flag(bool),
    /// Thousandths.
    PerMille(i64),
}

/// How the observed value is held against the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    AtLeast,
    AtMost,
}

/// One condition with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What was measured; the contract lists the measures of each rule.
    pub measure: &'static str,
    /// What was seen; `None`: there is nothing to measure yet.
    pub observed: Option<Quantity>,
    /// How it is compared.
    pub comparison: Comparison,
    /// What was asked for; `None`: not configured.
    pub threshold: Option<Quantity>,
    /// Whether the condition holds: never without both values.
    pub met: bool,
    /// Version of the parameter behind the threshold; empty where there is none.
    pub basis: String,
}

impl Observation {
    /// `observed >= threshold`.
    pub fn at_least(
        measure: &'static str,
        observed: impl Into<Option<Quantity>>,
        threshold: impl Into<Option<Quantity>>,
    ) -> Self {
        Self::new(measure, observed.into(), Comparison::AtLeast, threshold.into())
    }

    /// `observed <= threshold`.
    pub fn at_most(measure: &'static str, observed: Quantity, threshold: Quantity) -> Self {
        Self::new(measure, Some(observed), Comparison::AtMost, Some(threshold))
    }

    /// Names the version of the parameter behind the threshold.
    #[must_use]
    pub fn based_on(mut self, basis: String) -> Self {
        self.basis = basis;
        self
    }

    fn new(
        measure: &'static str,
        observed: Option<Quantity>,
        comparison: Comparison,
        threshold: Option<Quantity>,
    ) -> Self {
        let met = observed.zip(threshold).is_some_and(|(seen, asked)| match comparison {
            Comparison::AtLeast => seen >= asked,
            Comparison::AtMost => seen <= asked,
        });
        Self { measure, observed, comparison, threshold, met, basis: String::new() }
    }
}
