//! What identity's log tells, turned into points and facts for tiers.
//!
//! Everything is judged by the rules in force when it happened, and is named by its business
//! event, so a log read twice changes nothing. As every writer does, each of these locks the
//! ledger's head before it touches a member.

mod earning;

use super::{benefits, ledger, plans, progress, referrals, tiers};
use crate::domain::tier::{Deal, DealId};
use crate::domain::{Programme, Time};
use crate::store::{accounts, head, judgements, notices};
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_proto::identity::v1::ActivityKind;

/// Something a member did.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    pub(crate) kind: ActivityKind,
    pub(crate) user: String,
    pub(crate) occurred_at: Time,
    /// The source's name, and its id of the event: together unique.
    pub(crate) source: String,
    pub(crate) event: String,
    /// What it was about: the order that was paid or refunded, the feature, the task, ...
    pub(crate) object: String,
    /// ISO 4217 code and positive minor units.
    pub(crate) paid: Option<(String, i64)>,
    /// How long it lasted, where that was told.
    pub(crate) duration: Option<TimeDelta>,
}

impl Activity {
    /// The name of the purchase or refund: that of its business event.
    pub(super) fn deal(&self) -> DealId {
        Deal::id_for(&self.source, &self.event)
    }
}

/// Somebody registered: a member from now on. Who comes back after an erasure begins anew, with
/// the old ledger and what was bought before forgotten.
pub(crate) async fn registered(tx: &Tx, now: Time, user: &str) -> Result<()> {
    // Nobody joins before what the ledger has already seen, an announcement of rules included.
    let now = now.max(head::lock(tx).await?.recorded_at);
    match accounts::find(tx, user).await?.filter(|account| account.closed_at.is_some()) {
        Some(mut account) => {
            account.reopen(now);
            accounts::save(tx, vec![account]).await
        }
        None => accounts::enrol(tx, user, now).await,
    }
}

/// Somebody was erased: what was left expires, and what was bought is forgotten. The ledger's
/// entries stay.
pub(crate) async fn erased(tx: &Tx, programme: &Programme, now: Time, user: &str) -> Result<()> {
    ledger::close(tx, programme, now, user).await?;
    plans::forget(tx, programme, now, user).await?;
    progress::forget(tx, user).await?;
    referrals::forget(tx, programme, now, user).await?;
    benefits::forget(tx, now, user).await?;
    judgements::delete(tx, user).await?;
    notices::delete(tx, user).await?;
    tiers::forget(tx, user).await
}

/// Takes in what a member did: points, facts for tiers, and everything else that follows it.
pub(crate) async fn take_in(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: Activity,
) -> Result<()> {
    let head = head::lock(tx).await?;
    let now = now.max(head.recorded_at);
    let member = accounts::find(tx, &activity.user).await?;
    let joined_at = member.map_or(now, |member| member.joined_at);
    // Everything that follows is judged by the rules as they hold for this member.
    let programme = &*programme.of_member(joined_at);
    match activity.kind {
        ActivityKind::Purchase => earning::purchase(tx, programme, now, activity.clone()).await?,
        ActivityKind::Refund => earning::refund(tx, programme, now, activity.clone()).await?,
        ActivityKind::CheckIn => earning::check_in(tx, programme, now, activity.clone()).await?,
        _ => {}
    }
    if is_erased(tx, &activity.user).await? {
        return Ok(());
    }
    progress::follow(tx, programme, now, &activity).await?;
    referrals::follow(tx, programme, now, &activity).await?;
    benefits::follow(tx, programme, now, &activity).await
}

async fn is_erased(tx: &Tx, user: &str) -> Result<bool> {
    Ok(accounts::find(tx, user).await?.is_some_and(|account| account.closed_at.is_some()))
}
