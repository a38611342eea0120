//! The journey stage of a user (product row ID-10): the furthest one reached.

use crate::domain::facts::Standing;
use crate::domain::observation::{Observation, Quantity};

/// Stages in the journey's order; numbers as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the contract describes each")]
#[repr(i16)]
pub enum Stage {
    Reach = 1,
    Purchase = 2,
    Use = 3,
    Feedback = 4,
    Repurchase = 5,
    Referral = 6,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 6] =
        [Self::Reach, Self::Purchase, Self::Use, Self::Feedback, Self::Repurchase, Self::Referral];

    /// The stage with this number.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage as i32 == code)
    }
}

/// The furthest stage reached, and the condition of each stage after REACH.
pub fn evaluate(standing: &Standing) -> (Stage, [Observation; 5]) {
    let at_least = |measure, seen, asked| {
        Observation::at_least(measure, Quantity::Count(seen), Quantity::Count(asked))
    };
    let observations = [
        at_least("purchases", standing.purchases, 1),
        at_least("uses", standing.uses, 1),
        at_least("feedbacks", standing.feedbacks, 1),
        at_least("repurchases", (standing.purchases - 1).max(0), 1),
        at_least("referrals", standing.referrals, 1),
    ];
    let reached = Stage::ALL[1..].iter().zip(&observations).filter(|(_, seen)| seen.met);
    let stage = reached.map(|(stage, _)| *stage).max().unwrap_or(Stage::Reach);
    (stage, observations)
}
