//! Beginning a membership.

use super::{keep, running};
use crate::app::App;
use crate::domain::plan::billing::Order;
use crate::domain::plan::{Membership, MembershipId, Period, Plan, PlanRefusal, price};
use crate::domain::{Programme, Refusal, RuleVersion};
use crate::store::{accounts, charges, memberships};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_proto::loyalty::v1 as proto;

/// What trials are kept apart by.
const USER: &str = "loyalty.trial.user";
const PERSON: &str = "loyalty.trial.person";

/// What somebody subscribes to.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) user: String,
    pub(crate) plan: String,
    pub(crate) period: Period,
    /// Empty: none.
    pub(crate) offer: String,
    pub(crate) trial: bool,
    /// Empty: only the user.
    pub(crate) person: String,
}

impl App {
    /// Begins a membership. Errors: NOT_FOUND / PLAN_NOT_FOUND, OFFER_NOT_FOUND;
    /// FAILED_PRECONDITION / ALREADY_SUBSCRIBED, TRIAL_USED, NO_TRIAL, MEMBER_CLOSED.
    pub(crate) async fn subscribe(
        &self,
        key: Option<Key>,
        wish: Subscription,
    ) -> Result<Reply<proto::Membership>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            self.begin(tx, &programme, &wish).await
        })
        .await
    }

    async fn begin(
        &self,
        tx: &Tx,
        programme: &Programme,
        wish: &Subscription,
    ) -> Result<proto::Membership> {
        let now = self.now();
        let version = programme.in_force(now);
        let plan = version.plans.plan(&wish.plan).ok_or(PlanRefusal::NoPlan)?;
        if accounts::find(tx, &wish.user).await?.is_some_and(|a| a.closed_at.is_some()) {
            return Err(Refusal::MemberClosed.into());
        }
        let before = running(tx, programme, now, &wish.user).await?;
        if let Some(before) = before.as_ref().filter(|m| m.period.is_some() || m.is_pending()) {
            return Err(PlanRefusal::Subscribed { state: before.state }.into());
        }
        let first = charges::last_paid(tx, &wish.user).await?.is_none();
        let order = order(version, plan, wish, first)?;
        accounts::enrol(tx, &wish.user, now).await?;
        let mut membership = match before {
            Some(_) if wish.trial => return Err(PlanRefusal::NoTrial.into()),
            Some(mut given) => {
                // What is paid for is not to wait behind a pause of what was given.
                given.wake(now);
                given.next = Some((wish.plan.clone(), wish.period));
                given
            }
            None => {
                let id = MembershipId::new(now);
                let mut new = Membership::new(id, &wish.user, &wish.plan, programme, now);
                new.period = Some(wish.period);
                new
            }
        };
        if wish.trial {
            let how_long = version.plans.trial(plan).ok_or(PlanRefusal::NoTrial)?;
            let persons = self.persons(&wish.user, &wish.person);
            if memberships::had_trial(tx, &persons).await? && !flawed!(TrialAgain) {
                return Err(PlanRefusal::TrialUsed.into());
            }
            memberships::add_trial(tx, persons, now).await?;
            membership.try_out(programme, wish.period, how_long);
            membership.announce(programme, now, true, first);
        } else {
            membership.ask_first(order, now);
        }
        keep(tx, programme, now, membership).await
    }

    /// Whether somebody can still have a trial.
    pub(crate) async fn may_try(&self, user: &str) -> Result<bool> {
        let persons = self.persons(user, "");
        Ok(!memberships::had_trial(self.db.read(), &persons).await?)
    }

    /// The names under which a trial is remembered: hashes that nobody can turn back.
    fn persons(&self, user: &str, person: &str) -> Vec<String> {
        let hash = |domain, value| hex::encode(self.vault.lookup_hash(domain, value));
        let mut all = vec![hash(USER, user)];
        if !person.is_empty() {
            all.push(hash(PERSON, person));
        }
        all
    }
}

/// What the first charge asks for. An offer and the discount of the first order do not add up: with
/// an offer its price holds.
fn order(version: &RuleVersion, plan: &Plan, wish: &Subscription, first: bool) -> Result<Order> {
    let listed = price::listed(version, &plan.key, wish.period);
    let mut price = listed.ok_or(PlanRefusal::NoPlan)?;
    let mut periods = 1;
    if !wish.offer.is_empty() {
        let offer = plan.offer(&wish.offer, wish.period).ok_or(PlanRefusal::NoOffer)?;
        price.amount = price.amount.saturating_mul(i64::from(offer.pay));
        periods = offer.get;
    } else if first {
        price.amount = version.plans.first_price(price.amount);
    }
    let months = wish.period.months() * periods;
    Ok(Order { plan: plan.key.clone(), period: wish.period, months, price })
}
