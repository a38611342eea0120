//! Features that rewards open for a time.

use super::benefits::{Member, is_closed, message};
use super::{App, rewards};
use crate::domain::feature::{open_until, take_back};
use crate::domain::reward::Span;
use crate::domain::{Cause, Grant, GrantId, Programme, Refusal, Reward, Time, Unlock};
use crate::store::{grants, unlocks};
use chrono::TimeDelta;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;
use uuid::Uuid;

/// Where a page of unlocks goes on.
pub(crate) type UnlockCursor = (Time, Uuid);

/// Opens a feature, behind what is open already; `false` when the member was erased.
pub(super) async fn open(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    feature: &str,
    span: Span,
) -> Result<bool> {
    if is_closed(tx, &grant.user).await? {
        return Ok(false);
    }
    let others = unlocks::of_feature(tx, &grant.user, feature).await?;
    let unlock = Unlock {
        grant: grant.id,
        user: grant.user.clone(),
        feature: feature.to_owned(),
        span,
        granted_at: now,
        from: now,
        until: None,
        revoked_at: None,
    };
    unlocks::save(tx, &[unlock.lay(&others, programme.zone)]).await?;
    Ok(true)
}

/// Takes back what is left of what a grant opened.
pub(super) async fn close(tx: &Tx, programme: &Programme, now: Time, grant: &Grant) -> Result<()> {
    let Some(unlock) = unlocks::find(tx, grant.id).await? else { return Ok(()) };
    let mut all = unlocks::of_feature(tx, &unlock.user, &unlock.feature).await?;
    let changed = take_back(&mut all, grant.id, now, programme.zone);
    all.retain(|one| changed.contains(&one.grant));
    unlocks::save(tx, &all).await
}

/// How much of what a grant opened was used, as it is written down.
pub(super) async fn used_time(tx: &Tx, grant: &Grant) -> Result<TimeDelta> {
    let unlock = unlocks::find(tx, grant.id).await?;
    let length = unlock.and_then(|unlock| unlock.until.map(|until| until - unlock.from));
    Ok(length.unwrap_or_default().max(TimeDelta::zero()))
}

/// How much of what a grant opened is not used yet, and how much it was; `None` when that was for
/// good and has begun.
pub(super) async fn unused_time(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
) -> Result<Option<(TimeDelta, TimeDelta)>> {
    let unlock = unlocks::find(tx, grant.id).await?;
    Ok(unlock.and_then(|unlock| unlock.unused(now, programme.zone)))
}

/// Closes everything that is open to an erased person.
pub(super) async fn forget(tx: &Tx, now: Time, user: &str) -> Result<()> {
    let mut open = unlocks::open_of(tx, user, now).await?;
    for one in &mut open {
        one.until = Some(one.from.max(now));
        one.revoked_at = Some(now);
    }
    unlocks::save(tx, &open).await
}

impl App {
    /// Until when a feature is open to somebody: `None` when it is closed, `Some(None)` for good.
    pub(crate) async fn check_feature(
        &self,
        user: &str,
        feature: &str,
    ) -> Result<Option<Option<Time>>> {
        let all = unlocks::of_feature(self.db.read(), user, feature).await?;
        Ok(open_until(&all, self.now()))
    }

    /// A page of what opened something for a member, the latest first.
    pub(crate) async fn unlocks(
        &self,
        user: &str,
        before: Option<UnlockCursor>,
        size: u64,
    ) -> Result<(Vec<Unlock>, Option<UnlockCursor>)> {
        let mut found = unlocks::page(self.db.read(), user, before, size + 1).await?;
        let next = super::cut(&mut found, size, |one| (one.granted_at, one.grant.uuid()));
        Ok((found, next))
    }

    /// Opens a feature for an event, once for ever. Errors: see FeatureService/UnlockFeature.
    pub(crate) async fn unlock_feature(
        &self,
        key: Option<Key>,
        user: &str,
        (feature, span): (&str, Span),
        (source, event): (&str, &str),
    ) -> Result<Reply<proto::Unlock>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let member = Member::enrol(tx, &programme, now, user).await?;
            let rule_version = member.version.version.clone();
            let cause = Cause { kind: "unlock", id: Cause::event(source, event), rule_version };
            let reward = [Reward::Feature { feature: feature.to_owned(), span }];
            let given = rewards::grant(tx, &programme, now, user, &cause, &reward, false).await?;
            let grant = given.first().ok_or(Refusal::MemberClosed)?;
            let unlock = unlocks::find(tx, grant.id).await?;
            let unlock = unlock.ok_or_else(|| Error::internal("a grant that opened nothing"))?;
            Ok(message::unlock(&unlock))
        })
        .await
    }

    /// Takes back what is left of an unlock. Errors: see FeatureService/LockFeature.
    pub(crate) async fn lock_feature(
        &self,
        key: Option<Key>,
        id: GrantId,
    ) -> Result<Reply<proto::Unlock>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let grant = grants::by_id(tx, &[id]).await?.pop();
            let grant = grant.filter(|g| matches!(g.reward, Reward::Feature { .. }));
            let grant = grant.ok_or_else(not_found)?;
            if grant.revoked_at.is_none() {
                rewards::revoke_one(tx, &programme, now, grant).await?;
            }
            let unlock = unlocks::find(tx, id).await?.ok_or_else(not_found)?;
            Ok(message::unlock(&unlock))
        })
        .await
    }
}

fn not_found() -> Error {
    Error::not_found("UNLOCK_NOT_FOUND", "no such unlock")
}
