//! Coupons: issuing, reserving, using, and giving back.

use super::activities::Activity;
use super::benefits::{Member, is_closed, message, version};
use super::{App, rewards};
use crate::domain::calendar::expiry_after_days;
use crate::domain::coupon::{CouponRefusal, CouponState, Order, Price, code_of, read_code};
use crate::domain::{Cause, Coupon, Grant, GrantId, Programme, Refusal, Reward, Time};
use crate::store::{accounts, coupons, grants};
use chrono::TimeDelta;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1 as proto;
use uuid::Uuid;

/// Coupons by cycle issued in one transaction.
const BATCH: u64 = 100;

/// Where a page of coupons goes on.
pub(crate) type CouponCursor = (Time, Uuid);

/// A purchase sets when the member's next coupon is due.
pub(super) async fn follow(tx: &Tx, programme: &Programme, activity: &Activity) -> Result<()> {
    let rules = &programme.in_force(activity.occurred_at).benefits;
    let Some(cycle) = rules.cycle.as_ref().filter(|_| activity.kind == ActivityKind::Purchase)
    else {
        return Ok(());
    };
    let (bought, latest) = coupons::purchases(tx, &activity.user).await?;
    match (cycle.due_at(&bought), latest) {
        (Some(due_at), Some(latest)) => coupons::plan(tx, &activity.user, due_at, latest).await,
        _ => Ok(()),
    }
}

/// Hands a coupon over. Its terms are those of the version that promised it.
pub(super) async fn give(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    kind: &str,
) -> Result<bool> {
    let joined_at = accounts::find(tx, &grant.user).await?.map_or(now, |a| a.joined_at);
    let promised = version(programme, &grant.rule_version)
        .filter(|version| version.benefits.coupon(kind).is_some());
    let version = promised.unwrap_or_else(|| programme.in_force_for(joined_at, now));
    let Some(kind) = version.benefits.coupon(kind) else {
        tracing::warn!(kind, "a coupon was promised that is not on offer");
        return Ok(false);
    };
    if is_closed(tx, &grant.user).await? {
        return Ok(false);
    }
    let coupon = Coupon {
        id: Coupon::id_for(grant.id),
        user: grant.user.clone(),
        // Nobody can tell a code from what else is known of the coupon.
        code: code_of(Uuid::new_v4()),
        kind: kind.key.clone(),
        rule_version: version.version.clone(),
        terms: kind.terms.clone(),
        state: CouponState::Open,
        issued_at: now,
        expires_at: expiry_after_days(now, kind.valid_days, programme.zone),
        order: String::new(),
        discount: None,
        reserved_until: None,
        used_at: None,
    };
    coupons::save(tx, &[coupon]).await?;
    Ok(true)
}

/// Takes a coupon back that was not used.
pub(super) async fn take(tx: &Tx, grant: &Grant) -> Result<()> {
    let Some(mut coupon) = coupons::find(tx, Coupon::id_for(grant.id)).await? else {
        return Ok(());
    };
    if coupon.revoke() { coupons::save(tx, &[coupon]).await } else { Ok(()) }
}

/// Ends the coupons of an erased person, and those to come.
pub(super) async fn forget(tx: &Tx, user: &str) -> Result<()> {
    let mut live = coupons::live_of(tx, user).await?;
    for coupon in &mut live {
        coupon.revoke();
    }
    coupons::save(tx, &live).await?;
    coupons::unplan(tx, vec![user.to_owned()]).await
}

impl App {
    /// Gives a member a coupon; `event` names what it is for, once for ever. Errors: see
    /// CouponService/IssueCoupon.
    pub(crate) async fn issue_coupon(
        &self,
        key: Option<Key>,
        user: &str,
        kind: &str,
        event: Option<(String, String)>,
    ) -> Result<Reply<proto::Coupon>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = Member::enrol(tx, &programme, now, user).await?;
            if member.version.benefits.coupon(kind).is_none() {
                return Err(kind_not_found(kind));
            }
            let id = match &event {
                Some((source, event)) => Cause::event(source, event),
                None => GrantId::new(now).to_string(),
            };
            let rule_version = member.version.version.clone();
            let cause = Cause { kind: "coupon", id, rule_version };
            let reward = [Reward::Coupon(kind.to_owned())];
            let given = rewards::grant(tx, &programme, now, user, &cause, &reward, false).await?;
            let grant = given.first().ok_or(Refusal::MemberClosed)?;
            let coupon = coupons::find(tx, Coupon::id_for(grant.id)).await?;
            let coupon = coupon.ok_or_else(|| Error::internal("a grant without its coupon"))?;
            Ok(message::coupon(&coupon, now))
        })
        .await
    }

    /// What a coupon takes off an order. Errors: see CouponService/QuoteCoupon.
    pub(crate) async fn quote_coupon(
        &self,
        user: &str,
        code: &str,
        order: &Order,
    ) -> Result<Price> {
        let coupon = self.coupon(code).await?;
        Ok(coupon.quote(self.now(), user, order)?)
    }

    /// Keeps a coupon for an order. Errors: see CouponService/ReserveCoupon.
    pub(crate) async fn reserve_coupon(
        &self,
        key: Option<Key>,
        user: &str,
        code: &str,
        order: &Order,
        timeout: Option<TimeDelta>,
    ) -> Result<Reply<proto::Coupon>> {
        self.change_coupon(key, code, |coupon, programme, now| {
            let until = now + timeout.unwrap_or(programme.hold_timeout);
            Ok(coupon.reserve(now, user, order, until)?)
        })
        .await
    }

    /// Uses a coupon for an order, of which the amount may be left out when the coupon is reserved
    /// for it. Errors: see CouponService/UseCoupon.
    pub(crate) async fn use_coupon(
        &self,
        key: Option<Key>,
        user: &str,
        code: &str,
        order: Result<Order, String>,
    ) -> Result<Reply<proto::Coupon>> {
        self.change_coupon(key, code, |coupon, _, now| {
            let id = order.as_ref().map_or_else(String::as_str, |order| order.id.as_str());
            if coupon.use_reserved(now, user, id)? {
                return Ok(());
            }
            let missing = "is needed for a coupon that is not reserved for the order";
            let order = order.as_ref().map_err(|_| Error::invalid("order_amount", missing))?;
            Ok(coupon.use_for(now, user, order)?)
        })
        .await
    }

    /// Ends a reservation. Errors: see CouponService/ReleaseCoupon.
    pub(crate) async fn release_coupon(
        &self,
        key: Option<Key>,
        user: &str,
        code: &str,
        order: &str,
    ) -> Result<Reply<proto::Coupon>> {
        let release = |coupon: &mut Coupon, _: &Programme, now| {
            coupon.release(now, user, order).map_err(Error::from)
        };
        self.change_coupon(key, code, release).await
    }

    /// Gives a used coupon back. Errors: see CouponService/ReturnCoupon.
    pub(crate) async fn return_coupon(
        &self,
        key: Option<Key>,
        user: &str,
        code: &str,
        order: &str,
    ) -> Result<Reply<proto::Coupon>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let found = coupons::by_code(tx, &read_code(code)).await?;
            let mut coupon = found.ok_or_else(not_found)?;
            let grace = expiry_after_days(now, programme.void_grace_days, programme.zone);
            coupon.give_back(now, user, order, grace)?;
            let account = accounts::find(tx, &coupon.user).await?;
            let lives = account.is_some_and(|account| account.has(coupon.issued_at));
            if !lives {
                // Its member was erased since: what was not used then was ended.
                return Err(CouponRefusal::Revoked.into());
            }
            let grant = grants::by_id(tx, &[GrantId::from(coupon.id.uuid())]).await?.pop();
            if grant.is_none_or(|grant| grant.revoked_at.is_some()) {
                // What it was given for was taken back while it was used.
                coupon.revoke();
            }
            coupons::save(tx, std::slice::from_ref(&coupon)).await?;
            Ok(message::coupon(&coupon, now))
        })
        .await
    }

    /// One coupon. Errors: NOT_FOUND / COUPON_NOT_FOUND.
    pub(crate) async fn coupon(&self, code: &str) -> Result<Coupon> {
        let found = coupons::by_code(self.db.read(), &read_code(code)).await?;
        found.ok_or_else(not_found)
    }

    /// A page of a member's coupons, the latest first.
    pub(crate) async fn coupons(
        &self,
        user: &str,
        before: Option<CouponCursor>,
        size: u64,
    ) -> Result<(Vec<Coupon>, Option<CouponCursor>)> {
        let mut found = coupons::page(self.db.read(), user, before, size + 1).await?;
        let next = super::cut(&mut found, size, |one| (one.issued_at, one.id.uuid()));
        Ok((found, next))
    }

    /// Gives coupons to members whose usual gap between purchases has passed; answers to how many.
    pub(crate) async fn issue_by_cycle(&self) -> Result<u64> {
        let now = self.now();
        if coupons::due(self.db.read(), now, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let due = coupons::due(&tx, now, BATCH).await?;
        for (user, purchase) in &due {
            let version = Member::read(&tx, &programme, now, user).await?.version;
            let Some(cycle) = &version.benefits.cycle else { continue };
            let rule_version = version.version.clone();
            let cause = Cause { kind: "purchase-cycle", id: purchase.to_string(), rule_version };
            let reward = [Reward::Coupon(cycle.coupon.clone())];
            rewards::grant(&tx, &programme, now, user, &cause, &reward, false).await?;
        }
        let done = due.len() as u64;
        coupons::unplan(&tx, due.into_iter().map(|(user, _)| user).collect()).await?;
        tx.commit().await?;
        Ok(done)
    }

    async fn change_coupon(
        &self,
        key: Option<Key>,
        code: &str,
        change: impl FnOnce(&mut Coupon, &Programme, Time) -> Result<()>,
    ) -> Result<Reply<proto::Coupon>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let found = coupons::by_code(tx, &read_code(code)).await?;
            let mut coupon = found.ok_or_else(not_found)?;
            change(&mut coupon, &programme, now)?;
            coupons::save(tx, std::slice::from_ref(&coupon)).await?;
            Ok(message::coupon(&coupon, now))
        })
        .await
    }
}

fn not_found() -> Error {
    Error::not_found("COUPON_NOT_FOUND", "no such coupon")
}

/// The rules offer no such kind.
pub(crate) fn kind_not_found(kind: &str) -> Error {
    Error::not_found(
        "COUPON_KIND_NOT_FOUND",
        format!("no coupons of the kind {kind:?} are on offer"),
    )
}
