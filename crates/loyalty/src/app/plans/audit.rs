//! I19 on the data as it is: what was paid for is there, nobody tried twice, and what was collected
//! is what was said.

use crate::domain::plan::{
    ChargeKind, ChargeState, Ending, Membership, MembershipId, Payout, TimeKind,
};
use crate::store::charges::{self, Owned};
use crate::store::memberships;
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::HashMap;
use uuid::Uuid;

/// Memberships read at once.
const PAGE: u64 = 200;

/// What is wrong, each with the number of its invariant; nothing when all is well.
pub(crate) async fn check(tx: &Tx) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut tried: HashMap<String, MembershipId> = HashMap::new();
    let mut last = Uuid::nil();
    let mut explained = 0;
    loop {
        let page = memberships::after(tx, last, PAGE).await?;
        let Some(end) = page.last() else { break };
        last = end.id.uuid();
        for membership in &page {
            let user = &membership.user;
            if has_tried(membership)
                && tried.insert(user.clone(), membership.id).is_some_and(|id| id != membership.id)
            {
                violations.push(format!("I19: {user} had two trials"));
            }
            let charged = charges::of_membership(tx, membership.id, None).await?;
            let ids = charged.iter().map(|one| one.charge.id);
            let payouts = charges::payouts_of(tx, ids).await?;
            explained += payouts.len() as u64;
            violations.extend(line_faults(membership));
            for owned in &charged {
                let payout = payouts.get(&owned.charge.id.uuid());
                violations.extend(time_fault(membership, owned, payout));
                violations.extend(money_fault(tx, owned, payout).await?);
            }
        }
    }
    if charges::count_payouts(tx).await? != explained {
        violations.push("I19: a payout belongs to no charge".to_owned());
    }
    Ok(violations)
}

fn has_tried(membership: &Membership) -> bool {
    membership.line.stretches().iter().any(|stretch| stretch.kind == TimeKind::Trial)
}

/// Stretches follow each other.
fn line_faults(membership: &Membership) -> Option<String> {
    let line = membership.line.stretches();
    let apart = line.windows(2).all(|two| two[0].until <= two[1].from);
    (!apart).then(|| format!("I19: stretches of {} overlap", membership.id))
}

/// What a charge paid for is there in full, unless it was given back or the member stopped.
fn time_fault(membership: &Membership, owned: &Owned, payout: Option<&Payout>) -> Option<String> {
    let (id, charge) = (owned.charge.id, &owned.charge);
    let there = membership.line.length_of(&id.to_string());
    let Some((from, until)) = charge.covers else {
        let unexplained = charge.state == ChargeState::Paid && payout.is_none();
        let text = || format!("I19: {id} was paid, bought nothing and is not given back");
        return (unexplained || there > TimeDelta::zero()).then(text);
    };
    let cut = payout.is_some() || matches!(membership.ended, Some((_, Ending::Stopped)));
    let wrong = if cut { there > until - from } else { there != until - from };
    let (bought, there) = ((until - from).num_seconds(), there.num_seconds());
    wrong.then(|| format!("I19: {id} paid for {bought} seconds, {there} are there"))
}

/// What was collected is what the last notice said, when it said, and what goes back is all of it.
async fn money_fault(tx: &Tx, owned: &Owned, payout: Option<&Payout>) -> Result<Option<String>> {
    let charge = &owned.charge;
    let wrong = |what: &str| Ok(Some(format!("I19: {} {what}", charge.id)));
    let Some((amount, currency, due_at)) = charges::noticed(tx, charge.id).await? else {
        return wrong("has no notice");
    };
    if (amount, &currency, due_at) != (charge.amount, &charge.currency, charge.due_at) {
        return wrong("is not what its notice said");
    }
    // Money for a void charge comes when it comes; it bought no time and goes back.
    let bought = charge.kind != ChargeKind::First && charge.covers.is_some();
    if bought && charge.paid_at.is_some_and(|at| at < due_at) {
        return wrong("was collected before its notice allowed it");
    }
    if payout.is_some_and(|owed| (owed.amount, &owed.currency) != (amount, &currency)) {
        return wrong("is not given back in full");
    }
    if payout.is_some() && charge.state != ChargeState::Paid {
        return wrong("was not paid and is given back");
    }
    Ok(None)
}
