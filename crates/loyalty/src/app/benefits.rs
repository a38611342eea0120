//! Coupons, the catalogue, scarce benefits, charity and feature unlocks: where they meet what
//! members do, what they are given, and their erasure.

pub(crate) mod audit;
pub(crate) mod message;
pub(crate) mod refusals;

use super::activities::Activity;
use super::{charity, coupons, features, quotas, tiers};
use crate::domain::catalogue::RedemptionState;
use crate::domain::reward::Span;
use crate::domain::{Account, Grant, Programme, Refusal, RuleVersion, Tier, Time};
use crate::store::{accounts, redemptions};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use sea_orm::ConnectionTrait;

/// Sets aside what a purchase gives to charity, and takes it back with a refund; counts purchases
/// for the coupon by cycle. The caller has locked the ledger's head.
pub(crate) async fn follow(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: &Activity,
) -> Result<()> {
    charity::follow(tx, programme, now, activity).await?;
    coupons::follow(tx, programme, activity).await
}

/// Hands a coupon over; `false` when its kind is not on offer, or the member was erased.
pub(crate) async fn give_coupon(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    kind: &str,
) -> Result<bool> {
    coupons::give(tx, programme, now, grant, kind).await
}

/// Takes a coupon back that was not used.
pub(crate) async fn take_coupon(tx: &Tx, _: Time, grant: &Grant) -> Result<()> {
    coupons::take(tx, grant).await
}

/// Opens a feature, behind what is open already; `false` when the member was erased.
pub(crate) async fn unlock(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    feature: &str,
    span: Span,
) -> Result<bool> {
    features::open(tx, programme, now, grant, feature, span).await
}

/// Closes what is left of what a grant opened.
pub(crate) async fn lock(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<()> {
    features::close(tx, programme, now, grant).await
}

/// Ends what an erased person could still use. What was set aside for charity stays.
pub(crate) async fn forget(tx: &Tx, now: Time, user: &str) -> Result<()> {
    coupons::forget(tx, user).await?;
    quotas::forget(tx, now, user).await?;
    features::forget(tx, now, user).await?;
    let mut held = redemptions::held_of(tx, user).await?;
    for one in &mut held {
        one.state = RedemptionState::Cancelled;
        one.resolved_at = Some(now);
    }
    redemptions::save(tx, &held).await
}

/// Somebody who wants something, and what holds for them.
pub(crate) struct Member<'a> {
    pub(crate) user: String,
    pub(crate) tier: Tier,
    /// The rules in force for them.
    pub(crate) version: &'a RuleVersion,
}

impl<'a> Member<'a> {
    /// A member who was not erased. Errors: NOT_FOUND / MEMBER_NOT_FOUND; FAILED_PRECONDITION /
    /// MEMBER_CLOSED.
    pub(crate) async fn find(
        tx: &Tx,
        programme: &'a Programme,
        now: Time,
        user: &str,
    ) -> Result<Self> {
        let account = accounts::find(tx, user).await?.ok_or(Refusal::MemberNotFound)?;
        if account.closed_at.is_some() {
            return Err(Refusal::MemberClosed.into());
        }
        Self::of(tx, programme, now, user, Some(&account)).await
    }

    /// The same; somebody new becomes a member.
    pub(crate) async fn enrol(
        tx: &Tx,
        programme: &'a Programme,
        now: Time,
        user: &str,
    ) -> Result<Self> {
        accounts::enrol(tx, user, now).await?;
        Self::find(tx, programme, now, user).await
    }

    /// Whoever it is, for a reader.
    pub(crate) async fn read(
        conn: &impl ConnectionTrait,
        programme: &'a Programme,
        now: Time,
        user: &str,
    ) -> Result<Self> {
        let account = accounts::find(conn, user).await?;
        Self::of(conn, programme, now, user, account.as_ref()).await
    }

    async fn of(
        conn: &impl ConnectionTrait,
        programme: &'a Programme,
        now: Time,
        user: &str,
        account: Option<&Account>,
    ) -> Result<Self> {
        let tier = match account {
            Some(account) => tiers::tier_of(conn, programme, account, now).await?,
            None => Tier::Ordinary,
        };
        let since = account.map_or(now, |account| account.joined_at);
        Ok(Self { user: user.to_owned(), tier, version: programme.in_force_for(since, now) })
    }
}

/// The version of this name.
pub(crate) fn version<'a>(programme: &'a Programme, name: &str) -> Option<&'a RuleVersion> {
    programme.versions().iter().find(|version| version.version == name)
}

/// Whether somebody was erased.
pub(crate) async fn is_closed(conn: &impl ConnectionTrait, user: &str) -> Result<bool> {
    Ok(accounts::find(conn, user).await?.is_some_and(|account| account.closed_at.is_some()))
}
