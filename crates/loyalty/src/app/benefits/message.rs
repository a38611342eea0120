//! Coupons, claims, redemptions, unlocks and incidents as callers see them.

use crate::app::rewards::reward_message;
use crate::domain::coupon::{Off, Price, Terms};
use crate::domain::incident::Seen;
use crate::domain::{Claim, Coupon, Incident, Redemption, Time, Unlock};
use perennial_platform::time;
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::types::v1::Money;

fn at(time: Option<Time>) -> Option<prost_types::Timestamp> {
    time.map(time::to_proto)
}

pub(crate) fn money(price: &Price) -> Money {
    Money { currency: price.currency.clone(), minor_units: price.minor_units }
}

/// A coupon as it stands now.
pub(crate) fn coupon(coupon: &Coupon, now: Time) -> proto::Coupon {
    let coupon = coupon.clone().settled(now);
    proto::Coupon {
        coupon_id: coupon.id.to_string(),
        user_id: coupon.user,
        code: coupon.code,
        kind: coupon.kind,
        rule_version: coupon.rule_version,
        state: i32::from(coupon.state.number()),
        terms: Some(terms(&coupon.terms)),
        issue_time: at(Some(coupon.issued_at)),
        expire_time: at(coupon.expires_at),
        order_ref: coupon.order,
        discount: coupon.discount.as_ref().map(money),
        reserve_until: at(coupon.reserved_until),
        use_time: at(coupon.used_at),
    }
}

fn terms(terms: &Terms) -> proto::CouponTerms {
    let (amount, points, most) = match &terms.off {
        Off::Amount(price) => (Some(money(price)), 0, 0),
        Off::Part { basis_points, max_minor_units } => (None, *basis_points, *max_minor_units),
    };
    proto::CouponTerms {
        amount_off: amount,
        basis_points_off: i32::try_from(points).unwrap_or(i32::MAX),
        max_minor_units_off: most,
        min_order: terms.min_order.as_ref().map(money),
        object_prefix: terms.object_prefix.clone(),
    }
}

/// A claim as it stands now.
pub(crate) fn claim(claim: &Claim, now: Time) -> proto::Claim {
    let claim = claim.clone().settled(now);
    proto::Claim {
        claim_id: claim.id.to_string(),
        period: claim.period().to_owned(),
        user_id: claim.user,
        benefit: claim.key,
        state: i32::from(claim.state.number()),
        number: claim.number,
        claim_time: at(Some(claim.claimed_at)),
        hold_until: at(Some(claim.held_until)),
        resolve_time: at(claim.resolved_at),
        rule_version: claim.rule_version,
    }
}

/// A redemption as it stands now, given how many points of its entry were reversed.
pub(crate) fn redemption(one: &Redemption, now: Time, reversed: Option<i64>) -> proto::Redemption {
    let points_returned = one.returned(now, reversed);
    let one = one.clone().settled(now);
    proto::Redemption {
        redemption_id: one.id.to_string(),
        user_id: one.user,
        item: one.item,
        points: one.points,
        state: i32::from(one.state.number()),
        entry_id: one.entry.to_string(),
        redeem_time: at(Some(one.redeemed_at)),
        hold_until: at(one.held_until),
        resolve_time: at(one.resolved_at),
        rule_version: one.rule_version,
        points_returned,
    }
}

/// A stretch of time in which a feature is open.
pub(crate) fn unlock(one: &Unlock) -> proto::Unlock {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    proto::Unlock {
        grant_id: one.grant.to_string(),
        user_id: one.user.clone(),
        feature: Some(proto::FeatureTime {
            feature: one.feature.clone(),
            months: count(one.span.months),
            days: count(one.span.days),
        }),
        unlock_time: at(Some(one.granted_at)),
        open_from: at(Some(one.from)),
        open_until: at(one.until),
        revoke_time: at(one.revoked_at),
    }
}

/// An incident.
pub(crate) fn incident(one: &Incident) -> proto::Incident {
    let seen = match one.filter.seen {
        Seen::NoneNeeded => proto::ActivitySeen::NoneNeeded,
        Seen::Purchase => proto::ActivitySeen::Purchase,
        Seen::Any => proto::ActivitySeen::Any,
    };
    let filter = proto::IncidentFilter {
        plans: one.filter.plans.clone(),
        tiers: one.filter.tiers.iter().map(|tier| i32::from(tier.number())).collect(),
        user_ids: one.filter.users.clone(),
        activity: seen.into(),
    };
    proto::Incident {
        incident_id: one.id.to_string(),
        key: one.key.clone(),
        state: i32::from(one.state.number()),
        from_time: at(Some(one.from)),
        to_time: at(Some(one.to)),
        filter: Some(filter),
        rewards: one.rewards.iter().map(reward_message).collect(),
        ticket_id: one.ticket.clone(),
        declared_by: one.declared_by.clone(),
        declare_time: at(Some(one.declared_at)),
        approved_by: one.approved_by.clone(),
        approve_time: at(one.approved_at),
        rule_version: one.rule_version.clone(),
        examined: one.examined,
        granted: one.granted,
        revoked: one.revoked,
    }
}
