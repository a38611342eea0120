//! Qualifying facts: a ledger beside the points, because what qualifies for a tier and what can be
//! spent are different things (reference, S8).

use super::TierRules;
use crate::domain::{EntryId, Time};
use perennial_platform::id::{Id, Kind};

/// Names a purchase or a refund; derived from the business event, so none is taken in twice.
pub type DealId = Id<Deal>;

/// A purchase or a refund as it was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deal {
    /// Its name.
    pub id: DealId,
    /// Whose.
    pub user: String,
    /// The order it is about; empty when it was not named.
    pub order: String,
    /// The purchase that a refund belongs to.
    pub refunds: Option<DealId>,
    /// Paid, or paid back: positive minor units of `currency`.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Points that a purchase earned, and the entry that gave them.
    pub points: i64,
    /// See `points`.
    pub entry: Option<EntryId>,
    /// What it counts for.
    pub fact: Fact,
}

impl Deal {
    /// The name of the purchase or refund behind a business event.
    pub fn id_for(source: &str, event: &str) -> DealId {
        DealId::derived(&format!("{source} {event}"))
    }
}

impl Kind for Deal {
    const PREFIX: &'static str = "deal";
}

/// One purchase, or one refund of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// When this service took it in: the order in which facts are judged.
    pub recorded_at: Time,
    /// When it happened.
    pub occurred_at: Time,
    /// When the purchase was that it belongs to. A refund leaves the window together with its
    /// purchase; otherwise it would go on counting against the member after the purchase has gone.
    pub anchor_at: Time,
    /// Qualifying money; negative for refunds.
    pub spend: i64,
    /// Paid orders; -1 for the refund that completes one.
    pub orders: i64,
}

impl Fact {
    /// First instant at which it no longer counts under these rules.
    pub fn leaves_at(&self, rules: &TierRules) -> Time {
        self.anchor_at.checked_add_signed(rules.window()).unwrap_or(Time::MAX_UTC)
    }

    fn counts(&self, rules: &TierRules, at: Time) -> bool {
        self.occurred_at <= at && at < self.leaves_at(rules)
    }
}

/// What a member is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Money paid less refunds, in minor units of the programme's currency.
    pub spend: i64,
    /// Paid orders less fully refunded ones.
    pub orders: i64,
}

impl Metrics {
    /// The sums over the facts that count at an instant.
    pub fn at(facts: &[Fact], rules: &TierRules, at: Time) -> Self {
        facts.iter().filter(|fact| fact.counts(rules, at)).fold(Self::default(), |sum, fact| Self {
            spend: sum.spend.saturating_add(fact.spend),
            orders: sum.orders.saturating_add(fact.orders),
        })
    }
}
