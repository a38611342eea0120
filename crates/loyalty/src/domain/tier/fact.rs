//! Qualifying facts: a ledger beside the points, because what qualifies for a tier and what can be
//! spent are different things (reference, S8).

use super::{Holder, Period, Tier, TierRules, Window};
use crate::domain::{EntryId, Time};
use chrono::TimeDelta;
use perennial_platform::id::{Id, Kind};

/// Names a purchase or a refund; derived from the business event, so none is taken in twice.
pub type DealId = Id<Deal>;

/// A purchase or a refund as it was taken in. A recommendation and a tier that was given are
/// taken in the same way: without an order, and for no money.
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

/// One purchase, or one refund of a purchase; one friend brought, or lost again; one tier given.
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
    /// Friends brought who count; -1 for one who counts no more.
    pub recommendations: i64,
    /// A tier that was given.
    pub given: Option<Given>,
}

/// A tier that a member has without having reached it. Its fact is anchored where the guarantee
/// ends, which never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The tier.
    pub tier: Tier,
    /// The first instant at which it is no longer given; earlier, once it is taken back.
    pub until: Time,
}

impl Given {
    /// When a tier that was given at an instant ends if it is taken back now. It was given, if
    /// only for a moment, so what it brought about is not undone.
    pub fn taken_back(given_at: Time, now: Time) -> Time {
        now.max(given_at + TimeDelta::microseconds(1))
    }
}

impl Deal {
    /// What qualifies without an order.
    pub fn without_order(id: DealId, user: &str, fact: Fact) -> Self {
        Self {
            id,
            user: user.to_owned(),
            order: String::new(),
            refunds: None,
            amount: 0,
            currency: String::new(),
            points: 0,
            entry: None,
            fact,
        }
    }
}

impl Fact {
    /// Something that happens at an instant and counts for nothing.
    pub fn nothing(at: Time) -> Self {
        Self {
            recorded_at: at,
            occurred_at: at,
            anchor_at: at,
            spend: 0,
            orders: 0,
            recommendations: 0,
            given: None,
        }
    }

    /// First instant at which it no longer counts in a rolling window.
    pub fn leaves_at(&self, rules: &TierRules) -> Time {
        self.anchor_at.checked_add_signed(rules.window()).unwrap_or(Time::MAX_UTC)
    }

    /// The tier that it gives at an instant, and until when that is guaranteed, taken back or not.
    fn gives(&self, at: Time) -> Option<(Tier, Time)> {
        let given = self.given.filter(|given| self.occurred_at <= at && at < given.until)?;
        Some((given.tier, self.anchor_at))
    }
}

/// The highest tier that is given at an instant, and until when that is guaranteed.
pub fn given(facts: &[Fact], at: Time) -> Option<(Tier, Time)> {
    facts.iter().filter_map(|fact| fact.gives(at)).max()
}

/// What a member is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Money paid less refunds, in minor units of the programme's currency.
    pub spend: i64,
    /// Paid orders less fully refunded ones.
    pub orders: i64,
    /// Friends brought who count.
    pub recommendations: i64,
}

impl Metrics {
    /// The sums over the facts that count at an instant, in the running window.
    pub fn at(facts: &[Fact], rules: &TierRules, at: Time, holder: &Holder) -> Self {
        let period = rules.window.period(at, holder);
        let counts = |fact: &Fact| match period {
            Some(period) => fact.anchor_at >= period.start,
            None => rules.window == Window::Lifetime || at < fact.leaves_at(rules),
        };
        Self::sum(facts.iter().filter(|fact| fact.occurred_at <= at && counts(fact)))
    }

    /// The sums over the facts of a period that has ended, as they stood at its end.
    pub fn of_ended(facts: &[Fact], period: &Period) -> Self {
        Self::sum(facts.iter().filter(|fact| {
            fact.occurred_at < period.end && (period.start..period.end).contains(&fact.anchor_at)
        }))
    }

    fn sum<'a>(facts: impl Iterator<Item = &'a Fact>) -> Self {
        facts.fold(Self::default(), |sum, fact| Self {
            spend: sum.spend.saturating_add(fact.spend),
            orders: sum.orders.saturating_add(fact.orders),
            recommendations: sum.recommendations.saturating_add(fact.recommendations),
        })
    }
}
