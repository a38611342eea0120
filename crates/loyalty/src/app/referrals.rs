//! Referrals: who brought whom, when it counts, and what it earns.
//!
//! Whatever changes a referral ends in [`write_down`], which tells of the change, keeps the
//! advocate's recommendations (facts for tiers) in step, and gives what a step earns.

pub(crate) mod audit;
pub(crate) mod message;
mod read;
mod refer;
mod review;

pub(crate) use read::{Cursor, Progress};
pub(crate) use refer::{Named, NewReferral};

use super::activities::Activity;
use super::{App, rewards, tiers};
use crate::domain::referral::{Counted, Referral, ReferralRules, State};
use crate::domain::tier::{Deal, DealId, Fact};
use crate::domain::{Cause, Programme, Time};
use crate::store::facts::Which;
use crate::store::{accounts, facts, grants, referrals};
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Error, Result};
use perennial_proto::identity::v1::ActivityKind;

/// The kind of cause for which steps are given.
pub(crate) const CAUSE: &str = "referral";
/// Referrals promoted in one transaction.
const BATCH: u64 = 50;

/// Takes note of a friend's purchase or refund. The caller has locked the ledger's head.
pub(crate) async fn follow(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: &Activity,
) -> Result<()> {
    if !matches!(activity.kind, ActivityKind::Purchase | ActivityKind::Refund) {
        return Ok(());
    }
    let found = referrals::find(tx, Referral::id_for(&activity.user)).await?;
    let Some(mut referral) = found else { return Ok(()) };
    if referral.reversed_at.is_some() || referral.friend_erased {
        return Ok(());
    }
    // What time brought about comes first: an order given back after it counted was counted.
    if referral.state_at(now) != referral.state {
        write_down(tx, programme, now, &mut referral).await?;
    }
    let which = match (referral.qualified_at, referral.order) {
        (Some(_), Some(order)) => Which::One(order.deal),
        _ => Which::From(referral.touched_at),
    };
    let orders = facts::orders(tx, &referral.friend, which).await?;
    let before = referral.clone();
    referral.follow(&orders, rules_of(programme, &referral), now);
    if referral == before {
        return Ok(());
    }
    write_down(tx, programme, now, &mut referral).await
}

/// Drops what is held about an erased person. Who brought whom stays, by ids; a friend who does
/// not count yet never will.
pub(crate) async fn forget(tx: &Tx, programme: &Programme, now: Time, user: &str) -> Result<()> {
    referrals::evidence::delete(tx, user).await?;
    referrals::codes::delete(tx, user).await?;
    let found = referrals::find(tx, Referral::id_for(user)).await?;
    let Some(mut referral) = found else { return Ok(()) };
    if referral.state_at(now) != referral.state {
        write_down(tx, programme, now, &mut referral).await?;
    }
    referral.forget_friend();
    write_down(tx, programme, now, &mut referral).await
}

/// The rules that judge a referral for ever.
fn rules_of<'a>(programme: &'a Programme, referral: &Referral) -> &'a ReferralRules {
    let named = programme.versions().iter().find(|version| version.version == referral.version);
    &named.unwrap_or_else(|| programme.in_force(referral.made_at)).referrals
}

/// Writes a referral down as it stands now, with everything that follows from a change.
async fn write_down(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    referral: &mut Referral,
) -> Result<()> {
    let changed = referral.settle(now);
    recommend(tx, programme, now, referral).await?;
    referrals::save(tx, referral).await?;
    let Some((from, to)) = changed else { return Ok(()) };
    tell(tx, now, referral, Some(from));
    if to == State::Qualified { pay(tx, programme, now, referral).await } else { Ok(()) }
}

fn tell(tx: &Tx, now: Time, referral: &Referral, from: Option<State>) {
    let changed = message::changed(referral, from);
    events::append(tx, [NewEvent::of(now, &referral.advocate, &changed)]);
}

/// Keeps the advocate's facts in step with a referral. A recommendation stands there from the
/// moment its date is known, so a tier rises at that date without a job.
async fn recommend(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    referral: &mut Referral,
) -> Result<()> {
    let counts = referral.order.zip(referral.counts_from());
    let counts = counts.filter(|_| referral.reversed_at.is_none());
    let wanted = match counts {
        Some((order, from)) => {
            let base = format!("recommended {} {} {from}", referral.id, order.deal);
            if referral.counted.is_some_and(|counted| names(&base).any(|deal| deal == counted.deal))
            {
                return Ok(());
            }
            Some(Counted { deal: free_name(tx, &base).await?, from })
        }
        None if referral.counted.is_none() => return Ok(()),
        None => None,
    };
    let former = std::mem::replace(&mut referral.counted, wanted);
    let advocate = accounts::find(tx, &referral.advocate).await?;
    let Some(advocate) = advocate.filter(|account| account.closed_at.is_none()) else {
        return Ok(());
    };
    // It may be the friend's who did something.
    let programme = &*programme.of_member(advocate.joined_at);
    if let Some(former) = former
        && facts::exists(tx, former.deal).await?
    {
        // It leaves the window together with what it takes back.
        let lost = Fact {
            occurred_at: now.max(former.from),
            anchor_at: former.from,
            recommendations: -1,
            ..Fact::nothing(now)
        };
        let id = DealId::derived(&format!("lost {}", former.deal));
        let deal = Deal {
            refunds: Some(former.deal),
            ..Deal::without_order(id, &referral.advocate, lost)
        };
        tiers::take_in(tx, programme, now, deal).await?;
    }
    if let Some(counted) = wanted {
        let fact = Fact {
            occurred_at: counted.from,
            anchor_at: counted.from,
            recommendations: 1,
            ..Fact::nothing(now)
        };
        let deal = Deal::without_order(counted.deal, &referral.advocate, fact);
        tiers::take_in(tx, programme, now, deal).await?;
    }
    Ok(())
}

/// How often the same order of a friend may come to count again, after it was lost to another.
const AGAIN: u32 = 16;

/// The names that a recommendation may have, the first one first.
fn names(base: &str) -> impl Iterator<Item = DealId> {
    (0..AGAIN).map(move |n| match n {
        0 => DealId::derived(base),
        n => DealId::derived(&format!("{base} again {n}")),
    })
}

/// The first of the names that no fact has: an order that was counted and lost, because one that
/// was told later is earlier, counts anew when that one is given back.
async fn free_name(tx: &Tx, base: &str) -> Result<DealId> {
    for name in names(base) {
        if !facts::exists(tx, name).await? {
            return Ok(name);
        }
    }
    Err(Error::internal("a recommendation was counted and lost too often"))
}

/// Gives the advocate every step that is reached now and was never given. A step that was given
/// is not taken back when a friend is lost again: what it gave (time of a membership) runs from
/// the day it was given. But no further step is given until as many friends count.
async fn pay(tx: &Tx, programme: &Programme, now: Time, referral: &Referral) -> Result<()> {
    let advocate = &referral.advocate;
    let account = accounts::find(tx, advocate).await?;
    let Some(account) = account.filter(|account| account.closed_at.is_none()) else {
        return Ok(());
    };
    let programme = &*programme.of_member(account.joined_at);
    let counts = referrals::counts(tx, advocate).await?;
    let friends = counts.iter().find(|(state, _)| *state == State::Qualified);
    let given = grants::of_kind(tx, advocate, CAUSE).await?;
    let given: Vec<u32> = given.iter().filter_map(|grant| step_of(&grant.cause_id)).collect();
    let rules = rules_of(programme, referral);
    for step in rules.reached(friends.map_or(0, |(_, count)| *count), &given) {
        let cause = Cause {
            kind: CAUSE,
            id: format!("step-{}", step.friends),
            rule_version: referral.version.clone(),
        };
        rewards::grant(tx, programme, now, advocate, &cause, &step.rewards, false).await?;
    }
    Ok(())
}

/// The number of friends that a step asked for.
fn step_of(cause_id: &str) -> Option<u32> {
    cause_id.strip_prefix("step-")?.parse().ok()
}

impl App {
    /// Writes down some referrals that have come to count; answers how many, 0 when none is due.
    pub(crate) async fn promote_referrals(&self) -> Result<u64> {
        let now = self.now();
        if !referrals::is_any_due(self.db.read(), now).await? {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let due = referrals::due(&tx, now, BATCH).await?;
        let count = due.len() as u64;
        for mut referral in due {
            write_down(&tx, &programme, now, &mut referral).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
