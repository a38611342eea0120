//! Redeeming, confirming and cancelling.

use super::{not_found, refused};
use crate::app::benefits::{Member, message, version};
use crate::app::{App, features, ledger, plans, quotas, rewards};
use crate::domain::catalogue::{Good, Item, RedemptionState};
use crate::domain::command::{Capture, Command, PlaceHold, Reverse, Spend, Void};
use crate::domain::coupon::CouponState;
use crate::domain::{
    Cause, Coupon, Entry, EntryId, Grant, HoldId, Origin, Programme, Redemption, RedemptionId,
    Refusal, Reward, Time,
};
use crate::store::{claims, coupons, grants, holds, redemptions};
use chrono::TimeDelta;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;

/// What the rewards of redemptions are given for.
const CAUSE: &str = "redemption";

impl App {
    /// Buys an item, or holds it for a time. Errors: see CatalogueService/RedeemReward.
    pub(crate) async fn redeem(
        &self,
        key: Option<Key>,
        user: &str,
        item: &str,
        confirm_within: Option<TimeDelta>,
    ) -> Result<Reply<proto::Redemption>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = Member::find(tx, &programme, now, user).await?;
            let item = member.version.benefits.item(item).ok_or_else(|| item_not_found(item))?;
            let mut one = take(tx, &programme, now, &member, item, confirm_within).await?;
            if confirm_within.is_none() {
                hand_over(tx, &programme, now, &mut one, item).await?;
            }
            redemptions::save(tx, std::slice::from_ref(&one)).await?;
            Ok(message::redemption(&one, now, None))
        })
        .await
    }

    /// Buys what was held. Errors: see CatalogueService/ConfirmRedemption.
    pub(crate) async fn confirm(
        &self,
        key: Option<Key>,
        id: RedemptionId,
    ) -> Result<Reply<proto::Redemption>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let mut one = redemptions::find(tx, id).await?.ok_or_else(not_found)?;
            match one.state_at(now) {
                RedemptionState::Held => {}
                RedemptionState::Paid | RedemptionState::Fulfilled => {
                    return Err(refused("REDEMPTION_CONFIRMED"));
                }
                RedemptionState::Cancelled => return Err(refused("REDEMPTION_CANCELLED")),
                RedemptionState::Lapsed => return Err(refused("REDEMPTION_LAPSED")),
            }
            let hold = HoldId::from(one.entry.uuid());
            let capture = Command::Capture(Capture { hold, points: None });
            one.entry = post(tx, &programme, now, capture).await?.id;
            one.held_until = None;
            // What was held is what was on offer then.
            let item = version(&programme, &one.rule_version)
                .and_then(|version| version.benefits.item(&one.item));
            let item = item.ok_or_else(|| Error::internal("a redemption without its item"))?;
            hand_over(tx, &programme, now, &mut one, item).await?;
            redemptions::save(tx, std::slice::from_ref(&one)).await?;
            Ok(message::redemption(&one, now, None))
        })
        .await
    }

    /// Gives the points back and takes the reward back. Errors: see
    /// CatalogueService/CancelRedemption.
    pub(crate) async fn cancel(
        &self,
        key: Option<Key>,
        id: RedemptionId,
    ) -> Result<Reply<proto::Redemption>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let mut one = redemptions::find(tx, id).await?.ok_or_else(not_found)?;
            let mut reversed = None;
            let command = match one.state_at(now) {
                RedemptionState::Cancelled => return Err(refused("REDEMPTION_CANCELLED")),
                RedemptionState::Lapsed => return Err(refused("REDEMPTION_LAPSED")),
                RedemptionState::Held => Command::Void(Void {
                    hold: HoldId::from(one.entry.uuid()),
                    reason: "cancelled".to_owned(),
                }),
                RedemptionState::Paid | RedemptionState::Fulfilled => {
                    let points = take_reward(tx, &programme, now, &one).await?;
                    reversed = Some(points);
                    Command::Reverse(reversal(&programme, now, &one, points))
                }
            };
            post(tx, &programme, now, command).await?;
            for place in [Some(one.stock), one.place].into_iter().flatten() {
                let claim = claims::find(tx, place).await?;
                // A place that the member gave back before is somebody else's now.
                if let Some(mut claim) = claim.filter(|claim| claim.state_at(now).takes()) {
                    quotas::give_back(tx, now, &mut claim).await?;
                }
            }
            one.state = RedemptionState::Cancelled;
            one.held_until = None;
            one.resolved_at = Some(now);
            redemptions::save(tx, std::slice::from_ref(&one)).await?;
            Ok(message::redemption(&one, now, reversed))
        })
        .await
    }
}

/// Takes the points and the places, for good or for a time.
async fn take(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    member: &Member<'_>,
    item: &Item,
    confirm_within: Option<TimeDelta>,
) -> Result<Redemption> {
    let id = RedemptionId::new(now);
    let entry = EntryId::derived(&format!("redeem {id}"));
    let user = member.user.clone();
    let origin = Origin {
        reason: format!("redeem:{}", item.key),
        rule: "catalogue".to_owned(),
        rule_version: member.version.version.clone(),
        ..Origin::default()
    };
    let points = item.points;
    let command = match confirm_within {
        Some(timeout) => Command::Hold(PlaceHold { id: entry, user, points, timeout, origin }),
        None => Command::Spend(Spend { id: entry, user, points, origin }),
    };
    post(tx, programme, now, command).await?;
    // The ledger dates the hold; what else is held ends with it.
    let hold = match confirm_within {
        Some(_) => holds::find(tx, HoldId::from(entry.uuid())).await?,
        None => None,
    };
    let held_until = hold.map(|hold| hold.deadline);
    let until = held_until.unwrap_or(now + TimeDelta::minutes(1));
    let stock = quotas::claim(tx, programme, now, &item.quota(), member, until).await?.id;
    let place = match &item.good {
        Good::Place(key) => {
            let rule = member.version.benefits.place(key);
            let rule = rule.ok_or_else(|| quotas::benefit_not_found(key))?;
            Some(quotas::claim(tx, programme, now, rule, member, until).await?.id)
        }
        Good::Reward(_) | Good::External => None,
    };
    Ok(Redemption {
        id,
        user: member.user.clone(),
        item: item.key.clone(),
        points,
        state: RedemptionState::Held,
        entry,
        stock,
        place,
        redeemed_at: now,
        held_until,
        resolved_at: None,
        rule_version: member.version.version.clone(),
    })
}

/// Gives what was paid.
async fn hand_over(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    one: &mut Redemption,
    item: &Item,
) -> Result<()> {
    for place in [Some(one.stock), one.place].into_iter().flatten() {
        let claim = claims::find(tx, place).await?;
        let mut claim = claim.ok_or_else(|| Error::internal("a redemption without its place"))?;
        quotas::use_up(tx, now, &mut claim).await?;
    }
    if let Good::Reward(reward) = &item.good {
        let rule_version = one.rule_version.clone();
        let cause = Cause { kind: CAUSE, id: one.id.to_string(), rule_version };
        let reward = std::slice::from_ref(reward);
        let given = rewards::grant(tx, programme, now, &one.user, &cause, reward, false).await?;
        if given.is_empty() {
            return Err(refused("NOT_GIVEN"));
        }
    }
    if item.good == Good::External {
        one.state = RedemptionState::Paid;
    } else {
        one.state = RedemptionState::Fulfilled;
        one.resolved_at = Some(now);
    }
    Ok(())
}

/// Takes back what is left of the reward, and answers the points that go back for it. Errors:
/// FAILED_PRECONDITION / REWARD_USED when nothing is left.
async fn take_reward(tx: &Tx, programme: &Programme, now: Time, one: &Redemption) -> Result<i64> {
    let id = one.id.to_string();
    let mut points = one.points;
    for grant in grants::for_cause(tx, &one.user, CAUSE, &id).await? {
        points = unused(tx, programme, now, one, &grant).await?;
    }
    if points == 0 {
        return Err(refused("REWARD_USED"));
    }
    rewards::revoke(tx, programme, now, &one.user, CAUSE, &id).await?;
    Ok(points)
}

/// The points for what of the reward was not used.
async fn unused(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    one: &Redemption,
    grant: &Grant,
) -> Result<i64> {
    Ok(match &grant.reward {
        Reward::Coupon(_) => {
            let coupon = coupons::find(tx, Coupon::id_for(grant.id)).await?;
            let open = coupon.is_some_and(|coupon| coupon.state_at(now) == CouponState::Open);
            if open { one.points } else { 0 }
        }
        Reward::Membership { .. } => {
            let (left, whole) = plans::unused_time(tx, programme, now, grant).await?;
            one.share(left, whole)
        }
        Reward::Feature { .. } => {
            let left = features::unused_time(tx, programme, now, grant).await?;
            left.map_or(0, |(left, whole)| one.share(left, whole))
        }
        // What a tier guarantees stays.
        Reward::Tier(_) => 0,
        Reward::Badge(_) | Reward::Points(_) => one.points,
    })
}

fn reversal(programme: &Programme, now: Time, one: &Redemption, points: i64) -> Reverse {
    Reverse {
        id: Reverse::id_for(one.entry, "cancelled", one.entry),
        entry: one.entry,
        points: Some(points),
        up_to: false,
        policy: programme.reversal_policy,
        expires_at: programme.expiry(now),
        origin: Origin { reason: "cancelled".to_owned(), ..Origin::default() },
    }
}

async fn post(tx: &Tx, programme: &Programme, now: Time, command: Command) -> Result<Entry> {
    let outcome = ledger::post(tx, programme, now, &[command]).await?.pop();
    Ok(outcome.unwrap_or(Err(Refusal::EntryNotFound))?)
}

fn item_not_found(key: &str) -> Error {
    Error::not_found("ITEM_NOT_FOUND", format!("no item {key:?} is on offer"))
}
