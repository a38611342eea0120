//! Rewards that were taken back and are earned anew.
//!
//! Declared: what a member has used is never given twice for one cause. A coupon that was used stays
//! used; of time, what was used counts against the next grant, in whole days rounded up; of points,
//! those that could not be taken back do.

use super::{entry_of, give};
use crate::app::{features, plans};
use crate::domain::coupon::CouponState;
use crate::domain::{Cause, Coupon, Grant, Programme, Reward, Time};
use crate::store::{coupons, entries, grants};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Gives what was given for a cause and taken back once more, less what the member had used of it.
/// Answers the id under which it was given: grants of one cause have theirs for ever, so each time
/// has its own, and the last one answered names all of them.
pub(crate) async fn grant_again(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
    cause: &Cause,
    rewards: &[Reward],
) -> Result<String> {
    let mut before: Vec<Option<Grant>> = vec![None; rewards.len()];
    let mut time = 1;
    let cause = loop {
        let cause = cause.time(time);
        let given = grants::for_cause(tx, user, cause.kind, &cause.id).await?;
        if given.is_empty() {
            break cause;
        }
        for (n, slot) in before.iter_mut().enumerate() {
            let id = Grant::id_for(user, &cause, n);
            *slot = given.iter().find(|grant| grant.id == id).cloned().or(slot.take());
        }
        time += 1;
    };
    for (n, (before, reward)) in before.into_iter().zip(rewards).enumerate() {
        let reward = match before {
            Some(grant) => unused(tx, programme, &grant).await?,
            None => Some(reward.clone()),
        };
        if let Some(reward) = reward {
            let grant = Grant::new(Grant::id_for(user, &cause, n), user, reward, &cause, now);
            give(tx, programme, grant, false).await?;
        }
    }
    Ok(cause.id)
}

/// What of a grant was taken back before the member had used it; `None`: nothing.
async fn unused(tx: &Tx, programme: &Programme, grant: &Grant) -> Result<Option<Reward>> {
    if grant.revoked_at.is_none() {
        return Ok(None);
    }
    let less =
        |span: crate::domain::reward::Span, used| span.less(used, grant.granted_at, programme.zone);
    Ok(match &grant.reward {
        Reward::Points(_) => {
            let entry = entry_of(grant);
            let taken = entries::reversed_of(tx, [entry]).await?.get(&entry).copied();
            taken.filter(|points| *points > 0).map(Reward::Points)
        }
        Reward::Coupon(kind) => {
            let coupon = coupons::find(tx, Coupon::id_for(grant.id)).await?;
            let used = coupon.is_some_and(|coupon| coupon.state == CouponState::Used);
            (!used).then(|| Reward::Coupon(kind.clone()))
        }
        Reward::Membership { plan, span } => {
            let used = plans::used_time(tx, programme, grant, plan).await?;
            less(*span, used).map(|span| Reward::Membership { plan: plan.clone(), span })
        }
        Reward::Feature { feature, span } => {
            let used = features::used_time(tx, grant).await?;
            less(*span, used).map(|span| Reward::Feature { feature: feature.clone(), span })
        }
        // Taken back, a badge is gone, and a tier is none that was given twice.
        Reward::Badge(_) | Reward::Tier(_) => Some(grant.reward.clone()),
    })
}
