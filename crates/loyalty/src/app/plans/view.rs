//! What there is to see of plans and memberships. Nothing is written: what fell due is counted in
//! memory by the code that will write it down.

use super::message;
use crate::app::App;
use crate::domain::plan::membership::PENDING;
use crate::domain::plan::{Membership, Plan, Price, price};
use crate::domain::plan::{Payout, Period, PlanRefusal};
use crate::domain::{Programme, RuleVersion, Time};
use crate::store::charges::{self, DueCursor};
use crate::store::memberships::{self, Change};
use perennial_platform::Result;
use perennial_proto::loyalty::v1 as proto;
use std::sync::Arc;
use uuid::Uuid;

/// Charges shown with a membership.
const CHARGES: u64 = 20;

/// After which membership to go on.
pub(crate) type MembershipCursor = (Time, Uuid);

/// The plans, for somebody.
pub(crate) struct Shelf {
    pub(crate) programme: Arc<Programme>,
    pub(crate) now: Time,
    /// The membership they have.
    membership: Option<Membership>,
    pub(crate) may_try: bool,
    /// Whether the discount of a first order is theirs.
    pub(crate) first: bool,
}

impl Shelf {
    /// The version in force.
    pub(crate) fn version(&self) -> &RuleVersion {
        self.programme.in_force(self.now)
    }

    /// What a period of a plan costs them.
    pub(crate) fn price(&self, plan: &Plan, period: Period) -> Option<Price> {
        let own = self
            .membership
            .as_ref()
            .filter(|membership| membership.plan == plan.key && membership.period == Some(period));
        match own {
            Some(own) => {
                let (began, at) = (own.began_at, own.end().max(self.now));
                price::protected(&self.programme, began, &plan.key, period, at)
            }
            None => price::listed(self.version(), &plan.key, period),
        }
    }
}

impl App {
    /// The plans on offer, for a member or (empty) for somebody new.
    pub(crate) async fn plans(&self, user: &str) -> Result<Shelf> {
        let programme = self.rules_now().await?;
        let now = self.now();
        let mut shelf = Shelf { programme, now, membership: None, may_try: true, first: true };
        if !user.is_empty() {
            let running = memberships::running(self.db.read(), user).await?;
            shelf.membership = running.map(|membership| up_to(&shelf.programme, now, membership));
            shelf.membership = shelf.membership.take().filter(|m| m.ended.is_none());
            shelf.may_try = shelf.membership.is_none() && self.may_try(user).await?;
            shelf.first = charges::last_paid(self.db.read(), user).await?.is_none();
        }
        Ok(shelf)
    }

    /// The latest membership of a member, with its charges. Errors: NOT_FOUND /
    /// MEMBERSHIP_NOT_FOUND.
    pub(crate) async fn membership(&self, user: &str) -> Result<proto::GetMembershipResponse> {
        let (conn, programme) = (self.db.read(), self.rules_now().await?);
        let latest = memberships::latest(conn, user).await?.ok_or(PlanRefusal::NoMembership)?;
        let now = self.now();
        let membership = up_to(&programme, now, latest);
        let mut charged = charges::of_membership(conn, membership.id, Some(CHARGES)).await?;
        // What time made void is shown so before it is written down.
        for owned in &mut charged {
            let closed = membership.news.closed.iter().find(|one| one.id == owned.charge.id);
            if let Some(closed) = closed {
                owned.charge = closed.clone();
            }
        }
        let payouts = charges::payouts_of(conn, charged.iter().map(|c| c.charge.id)).await?;
        let charges = charged.iter().map(|owned| {
            let payout = payouts.get(&owned.charge.id.uuid());
            message::charge(now, membership.id, &owned.user, &owned.charge, payout)
        });
        Ok(proto::GetMembershipResponse {
            charges: charges.collect(),
            membership: Some(message::membership(&programme, now, &membership)),
        })
    }

    /// What somebody may use now.
    pub(crate) async fn entitlement(&self, user: &str) -> Result<proto::Entitlement> {
        let programme = self.programme();
        let now = self.now();
        let running = memberships::running(self.db.read(), user).await?;
        Ok(running.map_or_else(proto::Entitlement::default, |membership| {
            let membership = up_to(&programme, now, membership);
            message::entitlement(&programme, now, &membership)
        }))
    }

    /// A page of a member's memberships, the newest first.
    pub(crate) async fn memberships(
        &self,
        user: &str,
        after: Option<MembershipCursor>,
        size: u64,
    ) -> Result<(Vec<proto::Membership>, Option<MembershipCursor>)> {
        let mut found = memberships::page(self.db.read(), user, after, size + 1).await?;
        let more = cut(&mut found, size);
        let next = found.last().filter(|_| more).map(|last| (last.created_at, last.id.uuid()));
        let (programme, now) = (self.rules_now().await?, self.now());
        let seen = found.into_iter().map(|membership| {
            let membership = up_to(&programme, now, membership);
            message::membership(&programme, now, &membership)
        });
        Ok((seen.collect(), next))
    }

    /// A page of the changes of state of a member's memberships, the newest first.
    pub(crate) async fn membership_history(
        &self,
        user: &str,
        before: Option<i64>,
        size: u64,
    ) -> Result<(Vec<Change>, Option<i64>)> {
        let mut found = memberships::transitions_of(self.db.read(), user, before, size + 1).await?;
        let more = cut(&mut found, size);
        let next = found.last().filter(|_| more).map(|last| last.number);
        Ok((found, next))
    }

    /// A page of the charges that are due.
    pub(crate) async fn due_charges(
        &self,
        after: Option<DueCursor>,
        size: u64,
    ) -> Result<(Vec<proto::MembershipCharge>, Option<DueCursor>)> {
        let now = self.now();
        let mut found = charges::due(self.db.read(), now, now - PENDING, after, size + 1).await?;
        let more = cut(&mut found, size);
        let next = found.last().filter(|_| more);
        let next = next.map(|last| (last.charge.due_at, last.charge.id.uuid()));
        let seen = found
            .iter()
            .map(|one| message::charge(now, one.membership, &one.user, &one.charge, None));
        Ok((seen.collect(), next))
    }

    /// A page of the payouts that are not done.
    pub(crate) async fn due_payouts(
        &self,
        after: Option<DueCursor>,
        size: u64,
    ) -> Result<(Vec<Payout>, Option<DueCursor>)> {
        let mut found = charges::due_payouts(self.db.read(), after, size + 1).await?;
        let more = cut(&mut found, size);
        let next = found.last().filter(|_| more).map(|last| (last.due_at, last.id.uuid()));
        Ok((found, next))
    }
}

/// Cuts a page that was read one too long; whether there is more.
fn cut<T>(found: &mut Vec<T>, size: u64) -> bool {
    let more = found.len() as u64 > size;
    found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    more
}

fn up_to(programme: &Programme, now: Time, mut membership: Membership) -> Membership {
    membership.advance(programme, now);
    membership
}
