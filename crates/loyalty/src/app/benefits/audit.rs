//! What must hold of coupons, places, redemptions, charity and incidents.

use super::version;
use crate::app::charity::name_of;
use crate::app::compensation::CAUSE;
use crate::domain::catalogue::RedemptionState;
use crate::domain::coupon::CouponState;
use crate::domain::{GrantId, Programme};
use crate::store::{charity, claims, coupons, entries, facts, grants, incidents, redemptions};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use uuid::Uuid;

/// Rows read at once.
const PAGE: u64 = 500;

/// Checks I16 (places taken never pass the places there are, and are those of the claims), and
/// what else must hold here: coupons used once, points given back with every cancelled redemption,
/// charity equal to the purchases it comes from, incidents that gave to each member once. Returns
/// the violations.
pub(crate) async fn check(tx: &Tx, programme: &Programme) -> Result<Vec<String>> {
    let mut found = check_quotas(tx).await?;
    found.extend(check_coupons(tx).await?);
    found.extend(check_redemptions(tx).await?);
    found.extend(check_charity(tx, programme).await?);
    found.extend(check_incidents(tx).await?);
    Ok(found)
}

async fn check_quotas(tx: &Tx) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = claims::quotas_after(tx, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after.clone_from(&last.id);
        for quota in page {
            let (taken, number) = claims::counted(tx, &quota.id).await?;
            let id = &quota.id;
            if taken > quota.places {
                found.push(format!("I16: {taken} of {} places of {id} are taken", quota.places));
            }
            if taken != quota.taken {
                found.push(format!("I16: {id} says {} are taken, not {taken}", quota.taken));
            }
            if number != quota.accepted {
                found.push(format!("I16: the last claim of {id} is not its number {number}"));
            }
        }
    }
}

async fn check_coupons(tx: &Tx) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page = coupons::all_after(tx, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id.uuid();
        let ids: Vec<GrantId> = page.iter().map(|one| GrantId::from(one.id.uuid())).collect();
        let given = grants::by_id(tx, &ids).await?;
        for one in &page {
            let grant = given.iter().find(|grant| grant.id.uuid() == one.id.uuid());
            if grant.is_none_or(|grant| grant.user != one.user) {
                found.push(format!("I7: coupon {} was given for nothing", one.id));
            }
            let revoked = grant.is_some_and(|grant| grant.revoked_at.is_some());
            if revoked && matches!(one.state, CouponState::Open | CouponState::Reserved) {
                found.push(format!("I9: coupon {} was taken back and is open", one.id));
            }
        }
    }
}

async fn check_redemptions(tx: &Tx) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page = redemptions::all_after(tx, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id.uuid();
        let ids: Vec<_> = page.iter().map(|one| one.entry).collect();
        let reversed = entries::reversed_of(tx, ids.iter().copied()).await?;
        let booked = entries::by_id(tx, ids).await?;
        for one in &page {
            let entry = booked.iter().find(|entry| entry.id == one.entry);
            if entry.is_none_or(|entry| entry.points != one.points || entry.user != one.user) {
                found.push(format!("I4: redemption {} has no entry of its points", one.id));
            }
            let back = reversed.get(&one.entry).copied().unwrap_or(0);
            let paid = matches!(one.state, RedemptionState::Paid | RedemptionState::Fulfilled);
            if paid && back > 0 {
                found.push(format!("I10: {back} points of redemption {} came back", one.id));
            }
        }
    }
}

/// Amounts are those of their rules and purchases, as far as the purchases are still known.
async fn check_charity(tx: &Tx, programme: &Programme) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page = charity::all_after(tx, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id.uuid();
        for one in page.iter().filter(|one| one.reverses.is_none() && one.points == 0) {
            let back = charity::reversals(tx, one.id).await?;
            let (paid, amount) =
                back.iter().fold((0, 0), |sums, r| (sums.0 + r.paid, sums.1 - r.amount));
            let whole = paid == one.paid;
            if paid > one.paid || amount > one.amount || (whole && amount != one.amount) {
                found.push(format!("I10: refunds took {amount} of {} back", one.id));
            }
            let fact = facts::purchase(tx, &one.user, &one.order).await?;
            let Some(fact) = fact.filter(|fact| name_of(fact.id, &one.project) == one.id) else {
                continue;
            };
            let rule = version(programme, &one.rule_version)
                .and_then(|version| version.benefits.project(&one.project));
            let due = rule.map(|rule| rule.share(&one.order, &fact.currency, fact.amount));
            if due != Some(one.amount) {
                found.push(format!("I12: {} is {}, by the rules {due:?}", one.id, one.amount));
            }
            if facts::refunded(tx, &fact).await? != paid {
                found.push(format!("I12: refunds of {} are not those of its order", one.id));
            }
        }
    }
}

async fn check_incidents(tx: &Tx) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = incidents::page(tx, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        before = Some((last.declared_at, last.id.uuid()));
        for one in &page {
            let (given, taken) = incidents::counted(tx, one.id).await?;
            let said = (one.granted.unsigned_abs(), one.revoked.unsigned_abs());
            if said != (given, taken) {
                found.push(format!("I7: incident {} says {said:?} of {given}, {taken}", one.id));
            }
            let people = grants::users_of(tx, CAUSE, &one.id.to_string()).await?;
            if people != given {
                found.push(format!("I7: incident {} gave to {people} of {given}", one.id));
            }
        }
    }
}
