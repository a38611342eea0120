//! Membership plans: who has access to what, and which money is due.
//!
//! Every write locks the ledger's head, brings the membership up to now, changes it, and writes it
//! down with what is to be told. Reads do the first in memory.

pub(crate) mod audit;
mod charges;
mod due;
pub(crate) mod message;
mod refusals;
pub(crate) mod subscribe;
pub(crate) mod view;

use super::App;
use crate::domain::plan::{Membership, MembershipId, PlanRefusal, Stretch, gift};
use crate::domain::reward::Span;
use crate::domain::{Grant, Programme, Time};
use crate::store::{accounts, charges as table, memberships};
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_proto::loyalty::v1 as proto;
use std::sync::Arc;

/// Memberships of one member, more than anybody has.
const ALL: u64 = 10_000;

/// Adds time of a plan that was given, at the end of what the member has. The caller has locked
/// the ledger's head. `false` when there is no such plan, or the member was erased.
pub(crate) async fn give_time(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
    plan: &str,
    span: Span,
) -> Result<bool> {
    let user = &grant.user;
    let closed = accounts::find(tx, user).await?.is_some_and(|a| a.closed_at.is_some());
    if closed || gift::known_plan(programme, plan).is_none() {
        return Ok(false);
    }
    accounts::enrol(tx, user, now).await?;
    let mut membership = match running(tx, programme, now, user).await? {
        Some(running) => running,
        None => Membership::new(MembershipId::from(grant.id.uuid()), user, plan, programme, now),
    };
    membership.give(programme, now, plan, span, &grant.id.to_string());
    keep(tx, programme, now, membership).await?;
    Ok(true)
}

/// Takes back what is left of such time.
pub(crate) async fn take_time(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
) -> Result<()> {
    if let Some(mut membership) = running(tx, programme, now, &grant.user).await? {
        membership.take_back(programme, now, &grant.id.to_string());
        keep(tx, programme, now, membership).await?;
    }
    Ok(())
}

/// How much of time of a plan that was given and taken back had been used, in time of that plan.
pub(crate) async fn used_time(
    tx: &Tx,
    programme: &Programme,
    grant: &Grant,
    plan: &str,
) -> Result<TimeDelta> {
    let source = grant.id.to_string();
    let all = memberships::page(tx, &grant.user, None, ALL).await?;
    let own = all.iter().flat_map(|one| one.line.stretches()).filter(|s| s.source == source);
    Ok(own.map(|used| gift::worth(programme, &used.plan, plan, used.length())).sum())
}

/// How much of time that was given is not used yet, and how much it was. What somebody gave up
/// with its membership is used.
pub(crate) async fn unused_time(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    grant: &Grant,
) -> Result<(TimeDelta, TimeDelta)> {
    let source = grant.id.to_string();
    let (mut unused, mut whole) = (TimeDelta::zero(), TimeDelta::zero());
    for mut membership in memberships::page(tx, &grant.user, None, ALL).await? {
        membership.advance(programme, now);
        unused += membership.unused_of(&source, now);
        whole += membership.line.length_of(&source);
    }
    Ok((unused, whole))
}

/// Ends what an erased person had: no access, and no charge that is due. What is owed to them
/// stays owed, and whoever had a trial has had it.
pub(crate) async fn forget(tx: &Tx, programme: &Programme, now: Time, user: &str) -> Result<()> {
    if let Some(mut membership) = running(tx, programme, now, user).await? {
        // It runs, so it can be canceled.
        membership.cancel(programme, now, true)?;
        keep(tx, programme, now, membership).await?;
    }
    Ok(())
}

impl App {
    /// A change of the running membership by its member. Errors: NOT_FOUND /
    /// MEMBERSHIP_NOT_FOUND; FAILED_PRECONDITION / MEMBERSHIP_ENDED; those of `change`.
    pub(crate) async fn change_membership(
        &self,
        key: Option<Key>,
        user: &str,
        change: impl Fn(&mut Membership, &Programme, Time) -> Result<(), PlanRefusal>,
    ) -> Result<Reply<proto::Membership>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let latest = memberships::latest(tx, user).await?;
            let mut membership = latest.ok_or(PlanRefusal::NoMembership)?;
            membership.advance(&programme, now);
            change(&mut membership, &programme, now)?;
            // Who changes something is told what it costs then.
            let first = table::last_paid(tx, user).await?.is_none();
            membership.announce(&programme, now, true, first);
            keep(tx, &programme, now, membership).await
        })
        .await
    }

    /// Gives the latest charge back. Errors: FAILED_PRECONDITION / NOTHING_PAID, ALREADY_REFUNDED,
    /// REFUND_WINDOW_OVER; NOT_FOUND / MEMBERSHIP_NOT_FOUND.
    pub(crate) async fn refund_membership(
        &self,
        key: Option<Key>,
        user: &str,
    ) -> Result<Reply<proto::RequestRefundResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            self.refund(tx, &programme, user).await
        })
        .await
    }

    async fn refund(
        &self,
        tx: &Tx,
        programme: &Arc<Programme>,
        user: &str,
    ) -> Result<proto::RequestRefundResponse> {
        let now = self.now();
        if memberships::latest(tx, user).await?.is_none() {
            return Err(PlanRefusal::NoMembership.into());
        }
        let last = table::last_paid(tx, user).await?.ok_or(PlanRefusal::NothingPaid)?;
        let found = memberships::find(tx, last.membership).await?;
        let mut membership = found.ok_or(PlanRefusal::NoMembership)?;
        let payout = membership.payout(programme, &last.charge, now)?;
        if table::payout(tx, payout.id).await?.is_some() {
            return Err(PlanRefusal::Refunded.into());
        }
        membership.advance(programme, now);
        let rest = membership.refund(programme, now);
        if !flawed!(SilentRefund) {
            table::put_payout(tx, &payout).await?;
        }
        events::append(tx, [message::payout_due(now, membership.id, &payout)]);
        let ended = keep(tx, programme, now, membership).await?;
        go_on_with(tx, programme, now, user, rest).await?;
        Ok(proto::RequestRefundResponse {
            membership: Some(ended),
            payout: Some(message::payout(&payout)),
            replayed: false,
        })
    }
}

/// The running membership of a member, brought up to now. One that ended meanwhile is written down
/// as such.
async fn running(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
) -> Result<Option<Membership>> {
    let Some(mut membership) = memberships::running(tx, user).await? else { return Ok(None) };
    membership.advance(programme, now);
    if membership.ended.is_none() {
        return Ok(Some(membership));
    }
    keep(tx, programme, now, membership).await?;
    Ok(None)
}

/// Time that was given outlives the membership that was given back.
async fn go_on_with(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    user: &str,
    rest: Vec<Stretch>,
) -> Result<()> {
    let Some(first) = rest.first() else { return Ok(()) };
    let mut gift = Membership::new(MembershipId::new(now), user, &first.plan, programme, now);
    for stretch in rest {
        let (from, length) = (gift.end(), stretch.length());
        gift.line.append(Stretch { from, until: from + length, ..stretch });
    }
    gift.note(programme, now);
    keep(tx, programme, now, gift).await.map(drop)
}

/// Writes a membership down, tells what happened to it, and answers it as callers see it.
async fn keep(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    mut membership: Membership,
) -> Result<proto::Membership> {
    membership.note(programme, now);
    memberships::save(tx, &membership, membership.due_at(programme)).await?;
    memberships::add_transitions(tx, &membership).await?;
    let told: Vec<NewEvent> = message::events(now, &membership);
    events::append(tx, told);
    Ok(message::membership(programme, now, &membership))
}
