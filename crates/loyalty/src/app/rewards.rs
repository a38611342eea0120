//! Giving rewards, whatever they are for, and taking them back.
//!
//! Each kind of reward is carried out by the area it belongs to; this is the one place that knows
//! them all. The caller has locked the ledger's head.

mod again;

pub(crate) use again::grant_again;

use super::{benefits, ledger, plans, progress, tiers};
use crate::domain::command::{Command, Earn, Reverse};
use crate::domain::{Cause, EntryId, Grant, GrantId, Origin, Programme, Refusal, Reward, Time};
use crate::store::grants;
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Error, Result, time};
use perennial_proto::loyalty::v1 as proto;

/// Gives a member these rewards for a cause; those that were given for it before are not given
/// again. Answers all grants of the cause in the order of the rewards, those that a rule refused
/// (the member was erased) left out. Tells of the new ones, unless the caller does (`quiet`).
pub(crate) async fn grant(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
    cause: &Cause,
    rewards: &[Reward],
    quiet: bool,
) -> Result<Vec<Grant>> {
    let ids: Vec<GrantId> = (0..rewards.len()).map(|n| Grant::id_for(user, cause, n)).collect();
    let mut known = grants::by_id(tx, &ids).await?;
    let mut all = Vec::with_capacity(rewards.len());
    for (id, reward) in ids.into_iter().zip(rewards) {
        if let Some(place) = known.iter().position(|grant| grant.id == id) {
            all.push(known.swap_remove(place));
            continue;
        }
        let grant = Grant::new(id, user, reward.clone(), cause, now);
        all.extend(give(tx, programme, grant, quiet).await?);
    }
    Ok(all)
}

/// Gives one reward for the first time; `None` when a rule refuses it.
async fn give(tx: &Tx, programme: &Programme, grant: Grant, quiet: bool) -> Result<Option<Grant>> {
    let now = grant.granted_at;
    if !carry_out(tx, programme, now, &grant).await? {
        return Ok(None);
    }
    grants::add(tx, std::slice::from_ref(&grant)).await?;
    if !quiet {
        let told = proto::RewardGranted { grant: Some(message(&grant)) };
        events::append(tx, [NewEvent::of(now, &grant.user, &told)]);
    }
    Ok(Some(grant))
}

/// Takes back what a member was given for a cause, as far as it is still there. Answers what was
/// taken back now.
pub(crate) async fn revoke(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
    cause: &str,
    cause_id: &str,
) -> Result<Vec<Grant>> {
    let mut taken = grants::for_cause(tx, user, cause, cause_id).await?;
    taken.retain(|grant| grant.revoked_at.is_none());
    for grant in &mut taken {
        *grant = revoke_one(tx, programme, now, grant.clone()).await?;
    }
    Ok(taken)
}

/// Takes back one grant that stands, as far as it is still there.
pub(crate) async fn revoke_one(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    mut grant: Grant,
) -> Result<Grant> {
    undo(tx, programme, now, &grant).await?;
    grant.revoked_at = Some(now);
    grants::revoke(tx, [grant.id], now).await?;
    let (user_id, grant_id) = (grant.user.clone(), grant.id.to_string());
    let revoked = proto::RewardRevoked { user_id, grant_id };
    events::append(tx, [NewEvent::of(now, &grant.user, &revoked)]);
    Ok(grant)
}

/// Does what the grant says; `false` when a rule refuses it.
async fn carry_out(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<bool> {
    match &grant.reward {
        Reward::Points(points) => give_points(tx, programme, now, grant, *points).await,
        Reward::Badge(badge) => progress::give_badge(tx, now, grant, badge).await,
        Reward::Membership { plan, span } => {
            plans::give_time(tx, programme, now, grant, plan, *span).await
        }
        Reward::Coupon(kind) => benefits::give_coupon(tx, programme, now, grant, kind).await,
        Reward::Feature { feature, span } => {
            benefits::unlock(tx, programme, now, grant, feature, *span).await
        }
        Reward::Tier(tier) => tiers::give(tx, programme, now, grant, *tier).await,
    }
}

async fn undo(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<()> {
    match &grant.reward {
        Reward::Points(_) => take_points(tx, programme, now, grant).await,
        Reward::Badge(_) => progress::take_badge(tx, now, grant).await,
        Reward::Membership { .. } => plans::take_time(tx, programme, now, grant).await,
        Reward::Coupon(_) => benefits::take_coupon(tx, now, grant).await,
        Reward::Feature { .. } => benefits::lock(tx, programme, now, grant).await,
        Reward::Tier(_) => tiers::take(tx, programme, now, grant).await,
    }
}

/// The entry of a grant of points has the UUID of the grant.
fn entry_of(grant: &Grant) -> EntryId {
    EntryId::from(grant.id.uuid())
}

fn origin(grant: &Grant) -> Origin {
    Origin {
        reason: grant.cause_id.clone(),
        rule: grant.cause.clone(),
        rule_version: grant.rule_version.clone(),
        ..Origin::default()
    }
}

async fn give_points(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    points: i64,
) -> Result<bool> {
    let earn = Command::Earn(Earn {
        id: entry_of(grant),
        user: grant.user.clone(),
        points,
        occurred_at: now,
        expires_at: programme.expiry(now),
        must_lie_ahead: false,
        origin: origin(grant),
    });
    settled(ledger::post(tx, programme, now, &[earn]).await?.pop().as_ref(), grant)
}

async fn take_points(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<()> {
    let entry = entry_of(grant);
    let reverse = Command::Reverse(Reverse {
        id: Reverse::id_for(entry, "revoked", entry),
        entry,
        points: None,
        up_to: true,
        policy: programme.reversal_policy,
        expires_at: programme.expiry(now),
        origin: Origin { reason: "revoked".to_owned(), ..origin(grant) },
    });
    settled(ledger::post(tx, programme, now, &[reverse]).await?.pop().as_ref(), grant).map(drop)
}

/// A refusal by rule is an answer: it would be the same every time.
fn settled<T>(outcome: Option<&Result<T, Refusal>>, grant: &Grant) -> Result<bool> {
    match outcome {
        Some(Ok(_)) => Ok(true),
        Some(Err(refusal)) => {
            tracing::info!(grant = %grant.id, %refusal, "a reward changed no points");
            Ok(false)
        }
        None => Err(Error::internal("a command without an outcome")),
    }
}

/// A grant as callers see it.
pub(crate) fn message(grant: &Grant) -> proto::Grant {
    proto::Grant {
        grant_id: grant.id.to_string(),
        user_id: grant.user.clone(),
        reward: Some(reward_message(&grant.reward)),
        cause: grant.cause.clone(),
        cause_id: grant.cause_id.clone(),
        rule_version: grant.rule_version.clone(),
        grant_time: Some(time::to_proto(grant.granted_at)),
        revoke_time: grant.revoked_at.map(time::to_proto),
    }
}

/// A reward as callers see it.
pub(crate) fn reward_message(reward: &Reward) -> proto::Reward {
    use proto::reward::Kind;
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let kind = match reward {
        Reward::Points(points) => Kind::Points(*points),
        Reward::Badge(badge) => Kind::Badge(badge.clone()),
        Reward::Membership { plan, span } => Kind::Membership(proto::MembershipTime {
            plan: plan.clone(),
            months: count(span.months),
            days: count(span.days),
        }),
        Reward::Coupon(kind) => Kind::Coupon(kind.clone()),
        Reward::Feature { feature, span } => Kind::Feature(proto::FeatureTime {
            feature: feature.clone(),
            months: count(span.months),
            days: count(span.days),
        }),
        Reward::Tier(tier) => Kind::Tier(i32::from(tier.number())),
    };
    proto::Reward { kind: Some(kind) }
}
