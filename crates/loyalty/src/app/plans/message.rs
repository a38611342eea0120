//! Memberships, charges and payouts as callers see them, and what is told of them.

use crate::domain::plan::{
    Charge, ChargeState, Membership, MembershipId, Payout, Period, Stretch, price,
};
use crate::domain::{Programme, Time};
use perennial_platform::events::NewEvent;
use perennial_platform::time;
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::types::v1::Money;

/// Stretches shown of a line at most.
const STRETCHES: usize = 100;

pub(crate) fn money(amount: i64, currency: &str) -> Money {
    Money { currency: currency.to_owned(), minor_units: amount }
}

fn number(period: Option<Period>) -> i32 {
    period.map_or(0, |period| i32::from(period.number()))
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A membership that was brought up to now.
pub(crate) fn membership(programme: &Programme, now: Time, of: &Membership) -> proto::Membership {
    let at = |time: Time| Some(time::to_proto(time));
    let renewal = of.renewal_price(programme, now);
    let charge = of.charge.as_ref();
    // In a pause its time stands still.
    let stood = of.pause.map_or(chrono::TimeDelta::zero(), |pause| now - pause.since);
    let line = of.line.stretches();
    let period = of.period;
    let terms = match period {
        Some(period) => price::terms(programme, of.began_at, &of.plan, period, of.end()),
        None => of.terms(programme, now),
    };
    proto::Membership {
        membership_id: of.id.to_string(),
        user_id: of.user.clone(),
        plan: of.plan.clone(),
        period: number(period),
        state: i32::from(of.state.number()),
        state_since: at(of.since),
        begin_time: at(of.created_at),
        end_time: of.ended.and_then(|(time, _)| at(time)),
        entitlement: Some(entitlement(programme, now, of)),
        paid_through: of.line.end().and_then(|end| at(end + stood)),
        renews: of.renews(programme),
        next_charge: charge.map(|charge| self::charge(now, of.id, &of.user, charge, None)),
        renewal_price: renewal.map(|price| money(price.amount, &price.currency)),
        price_rule_version: terms.version.clone(),
        cancel_time: of.canceled_at.and_then(at),
        pause_time: of.pause.and_then(|pause| at(pause.since)),
        pause_until: of.pause.and_then(|pause| at(pause.until)),
        next_plan: of.next.as_ref().map_or(String::new(), |(plan, _)| plan.clone()),
        next_period: number(of.next.as_ref().map(|(_, period)| *period)),
        stretches: line[line.len().saturating_sub(STRETCHES)..].iter().map(stretch).collect(),
    }
}

/// What its member may use now.
pub(crate) fn entitlement(programme: &Programme, now: Time, of: &Membership) -> proto::Entitlement {
    let access = of.access(programme, now);
    proto::Entitlement {
        has_access: access.is_some(),
        plan: access.map_or(String::new(), |(plan, _)| plan.to_owned()),
        until: access.map(|(_, until)| time::to_proto(until)),
        state: i32::from(of.state.number()),
    }
}

fn stretch(of: &Stretch) -> proto::MembershipStretch {
    proto::MembershipStretch {
        kind: i32::from(of.kind.number()),
        plan: of.plan.clone(),
        start_time: Some(time::to_proto(of.from)),
        end_time: Some(time::to_proto(of.until)),
        source_id: of.source.clone(),
    }
}

/// A charge.
pub(crate) fn charge(
    now: Time,
    membership: MembershipId,
    user: &str,
    of: &Charge,
    owed: Option<&Payout>,
) -> proto::MembershipCharge {
    use proto::MembershipChargeState as State;
    let state = match of.state {
        ChargeState::Open if of.due_at > now => State::Announced,
        ChargeState::Open => State::Due,
        ChargeState::Paid => State::Paid,
        ChargeState::Void => State::Void,
    };
    proto::MembershipCharge {
        charge_id: of.id.to_string(),
        membership_id: membership.to_string(),
        user_id: user.to_owned(),
        kind: i32::from(of.kind.number()),
        state: state.into(),
        amount: Some(money(of.amount, &of.currency)),
        plan: of.plan.clone(),
        months: count(of.months),
        rule_version: of.version.clone(),
        notice_time: Some(time::to_proto(of.noticed_at)),
        due_time: Some(time::to_proto(of.due_at)),
        pay_time: of.paid_at.map(time::to_proto),
        failures: count(of.failures),
        failure_reason: of.failure.clone(),
        payment_ref: of.payment_ref.clone(),
        payout: owed.map(payout),
    }
}

/// A payout.
pub(crate) fn payout(of: &Payout) -> proto::MembershipPayout {
    proto::MembershipPayout {
        payout_id: of.id.to_string(),
        charge_id: charge_of(of),
        user_id: of.user.clone(),
        amount: Some(money(of.amount, &of.currency)),
        cause: i32::from(of.cause.number()),
        due_time: Some(time::to_proto(of.due_at)),
        done_time: of.done_at.map(time::to_proto),
        payment_ref: of.payment_ref.clone(),
    }
}

fn charge_of(payout: &Payout) -> String {
    crate::domain::plan::ChargeId::from(payout.id.uuid()).to_string()
}

/// Money has to go back.
pub(crate) fn payout_due(now: Time, membership: MembershipId, of: &Payout) -> NewEvent {
    let told = proto::MembershipPayoutDue {
        user_id: of.user.clone(),
        membership_id: membership.to_string(),
        charge_id: charge_of(of),
        amount: Some(money(of.amount, &of.currency)),
    };
    NewEvent::of(now, &of.user, &told)
}

/// What happened to a membership since it was read.
pub(crate) fn events(now: Time, of: &Membership) -> Vec<NewEvent> {
    let mut told = Vec::new();
    for change in &of.news.transitions {
        let changed = proto::MembershipChanged {
            user_id: of.user.clone(),
            membership_id: of.id.to_string(),
            plan: of.plan.clone(),
            from: i32::from(change.from.number()),
            to: i32::from(change.to.number()),
            access_until: change.access_until.map(time::to_proto),
            change_time: Some(time::to_proto(change.at)),
        };
        told.push(NewEvent::of(now, &of.user, &changed));
    }
    let Some(charge) = &of.charge else { return told };
    if of.news.announced {
        let due = proto::MembershipRenewalDue {
            user_id: of.user.clone(),
            membership_id: of.id.to_string(),
            plan: charge.plan.clone(),
            price: Some(money(charge.amount, &charge.currency)),
            renew_time: Some(time::to_proto(charge.due_at)),
            ends_trial: charge.kind == crate::domain::plan::ChargeKind::TrialEnd,
        };
        told.push(NewEvent::of(now, &of.user, &due));
    }
    if of.news.asked {
        let due = proto::MembershipChargeDue {
            user_id: of.user.clone(),
            membership_id: of.id.to_string(),
            charge_id: charge.id.to_string(),
            amount: Some(money(charge.amount, &charge.currency)),
            due_time: Some(time::to_proto(charge.due_at)),
        };
        told.push(NewEvent::of(now, &of.user, &due));
    }
    told
}
