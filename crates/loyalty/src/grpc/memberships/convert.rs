//! Requests to values, and what was found to messages.

use crate::app::plans::message::money;
use crate::app::plans::subscribe::Subscription;
use crate::app::plans::view::Shelf;
use crate::domain::plan::{Period, Plan};
use crate::store::memberships::Change;
use perennial_platform::{Error, Result, time};
use perennial_proto::loyalty::v1 as proto;

/// The codec let only known periods through.
pub(super) fn period(number: i32) -> Result<Period> {
    let known = i16::try_from(number).ok().and_then(Period::from_number);
    known.ok_or_else(|| Error::invalid("period", "is not a period"))
}

pub(super) fn subscription(request: proto::SubscribeRequest) -> Result<Subscription> {
    if request.trial && !request.offer.is_empty() {
        return Err(Error::invalid("trial", "does not go together with offer"));
    }
    Ok(Subscription {
        period: period(request.period)?,
        user: request.user_id,
        plan: request.plan,
        offer: request.offer,
        trial: request.trial,
        person: request.person_key,
    })
}

pub(super) fn shelf(shelf: &Shelf) -> proto::ListPlansResponse {
    let version = shelf.version();
    proto::ListPlansResponse {
        plans: version.plans.plans.iter().map(|one| plan(shelf, one)).collect(),
        rule_version: version.version.clone(),
    }
}

fn plan(shelf: &Shelf, plan: &Plan) -> proto::Plan {
    let trial = shelf.version().plans.trial(plan).filter(|_| shelf.may_try);
    let days = trial.map_or(0, |trial| trial.num_days());
    let sold = [Period::Monthly, Period::Yearly].into_iter();
    proto::Plan {
        plan: plan.key.clone(),
        rank: count(plan.rank),
        prices: sold.filter_map(|period| price(shelf, plan, period)).collect(),
        trial_days: i32::try_from(days).unwrap_or(i32::MAX),
        auto_renew: plan.auto_renew,
    }
}

fn price(shelf: &Shelf, plan: &Plan, period: Period) -> Option<proto::PlanPrice> {
    let listed = plan.price(period)?;
    let price = shelf.price(plan, period)?;
    let rules = &shelf.version().plans;
    let first = rules.first_price(listed);
    let offers = plan.offers.iter().filter(|offer| offer.period == period);
    let offers = offers.map(|offer| proto::PlanOffer {
        offer: offer.key.clone(),
        pay_periods: count(offer.pay),
        get_periods: count(offer.get),
        price: Some(money(listed.saturating_mul(i64::from(offer.pay)), &rules.currency)),
    });
    Some(proto::PlanPrice {
        period: i32::from(period.number()),
        first_price: (shelf.first && first < listed).then(|| money(first, &rules.currency)),
        price: Some(money(price.amount, &price.currency)),
        rule_version: price.version,
        offers: offers.collect(),
    })
}

pub(super) fn transition(change: &Change) -> proto::MembershipTransition {
    proto::MembershipTransition {
        membership_id: change.membership.to_string(),
        plan: change.plan.clone(),
        from: i32::from(change.transition.from.number()),
        to: i32::from(change.transition.to.number()),
        time: Some(time::to_proto(change.transition.at)),
    }
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
