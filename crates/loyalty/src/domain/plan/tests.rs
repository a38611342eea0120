//! Golden cases, and random lives of memberships.

mod gifts;
mod laws;
mod prices;

use super::billing::Order;
use super::{Membership, MembershipId, Period, price};
use crate::domain::{Programme, RuleVersion, Time};

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn day(text: &str) -> Time {
    at(&format!("{text}T00:00:00Z"))
}

fn shipped() -> Programme {
    Programme::new(chrono_tz::UTC, vec![RuleVersion::default()]).unwrap()
}

/// Somebody who subscribed and has not paid yet.
fn pending(programme: &Programme, plan: &str, period: Period, now: Time) -> Membership {
    let id = MembershipId::derived("membership");
    let mut membership = Membership::new(id, "ann", plan, programme, now);
    membership.period = Some(period);
    membership.ask_first(order(programme, plan, period, now), now);
    membership
}

fn order(programme: &Programme, plan: &str, period: Period, now: Time) -> Order {
    let price = price::listed(programme.in_force(now), plan, period).unwrap();
    Order { plan: plan.to_owned(), period, months: period.months(), price }
}

/// Somebody who subscribed and paid.
fn paid(programme: &Programme, plan: &str, period: Period, now: Time) -> Membership {
    let mut membership = pending(programme, plan, period, now);
    membership.pay(programme, now, "first").unwrap();
    membership
}

/// What the job does.
fn job(membership: &mut Membership, programme: &Programme, now: Time) {
    membership.advance(programme, now);
    membership.announce(programme, now, false, false);
    membership.ask(now);
}
