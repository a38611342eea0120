//! What identity's log tells, turned into points and facts for tiers.
//!
//! Everything is judged by the rules in force when it happened, and is named by its business
//! event, so a log read twice changes nothing. As every writer does, each of these locks the
//! ledger's head before it touches a member.

use super::{benefits, ledger, plans, progress, referrals, tiers};
use crate::domain::calendar::local_day;
use crate::domain::command::{Command, Earn, Reverse};
use crate::domain::refund::next_share;
use crate::domain::tier::{Deal, DealId, Fact};
use crate::domain::{Entry, EntryId, EntryKind, Origin, Programme, Refusal, RuleVersion, Time};
use crate::store::{accounts, facts, head};
use chrono::TimeDelta;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_proto::identity::v1::ActivityKind;
use std::collections::BTreeMap;

/// The rule that rewards purchases.
const PURCHASE: &str = "purchase";
/// The rule that rewards the first check-in of a day.
const CHECK_IN: &str = "check-in";

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
    fn deal(&self) -> DealId {
        DealId::derived(&format!("{} {}", self.source, self.event))
    }
}

/// Somebody registered: a member from now on. Who comes back after an erasure begins anew, with
/// the old ledger and what was bought before forgotten.
pub(crate) async fn registered(tx: &Tx, now: Time, user: &str) -> Result<()> {
    head::lock(tx).await?;
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
    referrals::forget(tx, user).await?;
    benefits::forget(tx, user).await?;
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
    let member = accounts::find(tx, &activity.user).await?;
    let joined_at = member.map_or(now.max(head.recorded_at), |member| member.joined_at);
    // Everything that follows is judged by the rules as they hold for this member.
    let programme = &*programme.of_member(joined_at);
    match activity.kind {
        ActivityKind::Purchase => purchase(tx, programme, now, activity.clone()).await?,
        ActivityKind::Refund => refund(tx, programme, now, activity.clone()).await?,
        ActivityKind::CheckIn => check_in(tx, programme, now, activity.clone()).await?,
        _ => {}
    }
    if is_erased(tx, &activity.user).await? {
        return Ok(());
    }
    progress::follow(tx, programme, now, &activity).await?;
    referrals::follow(tx, programme, now, &activity).await?;
    benefits::follow(tx, programme, now, &activity).await
}

/// A purchase earns points and counts for the tier. What costs nothing, or is paid in a currency
/// without a rate, earns nothing but still counts as an order.
async fn purchase(tx: &Tx, programme: &Programme, now: Time, activity: Activity) -> Result<()> {
    let Some((currency, amount)) = activity.paid.clone().filter(|(_, amount)| *amount >= 0) else {
        return Ok(());
    };
    let id = activity.deal();
    head::lock(tx).await?;
    if facts::exists(tx, id).await? || is_erased(tx, &activity.user).await? {
        return Ok(());
    }
    let version = programme.in_force(activity.occurred_at);
    let worth = version.worth(&currency, amount);
    let points = worth.map_or(0, |(worth, _)| worth.points);
    let entry = if points > 0 {
        let rate = worth.map(|(_, r)| format!("{}/{}", r.points_num, r.points_den));
        let read = [
            ("currency", currency.clone()),
            ("minor_units", amount.to_string()),
            ("order", activity.object.clone()),
            ("rate", rate.unwrap_or_default()),
        ];
        let earn = reward(&activity, programme, version, PURCHASE, points, read);
        post(tx, programme, now, Command::Earn(earn)).await?
    } else {
        None
    };
    if entry.is_none() {
        accounts::enrol(tx, &activity.user, now).await?;
    }
    let fact = Fact {
        recorded_at: now,
        occurred_at: activity.occurred_at,
        anchor_at: activity.occurred_at,
        spend: worth.map_or(0, |(worth, _)| worth.spend),
        orders: 1,
    };
    let deal = Deal {
        id,
        user: activity.user,
        order: activity.object,
        refunds: None,
        amount,
        currency,
        points: entry.as_ref().map_or(0, |entry| entry.points),
        entry: entry.map(|entry| entry.id),
        fact,
    };
    tiers::take_in(tx, programme, now, deal).await
}

/// A refund takes back the same share of points and of qualifying money as it gives back of what
/// was paid; all refunds of an order together exactly all of them. A refund of an order that is
/// not known here (yet), or in another currency, changes nothing.
async fn refund(tx: &Tx, programme: &Programme, now: Time, activity: Activity) -> Result<()> {
    let Some((currency, asked)) = activity.paid.clone().filter(|_| !activity.object.is_empty())
    else {
        return Ok(());
    };
    let id = activity.deal();
    head::lock(tx).await?;
    if facts::exists(tx, id).await? {
        return Ok(());
    }
    let bought = facts::purchase(tx, &activity.user, &activity.object).await?;
    let Some(bought) = bought.filter(|bought| bought.currency == currency) else {
        tracing::warn!(event = activity.event, "a refund of no known order");
        return Ok(());
    };
    let before = facts::refunded(tx, &bought).await?;
    let amount = asked.min(bought.amount - before);
    if amount <= 0 {
        return Ok(());
    }
    let points = next_share(bought.points, bought.amount, before, amount);
    if let Some(entry) = bought.entry.filter(|_| points > 0) {
        let reverse = clawback(&activity, programme, now, entry, points);
        post(tx, programme, now, Command::Reverse(reverse)).await?;
    }
    let whole = before + amount == bought.amount;
    let fact = Fact {
        recorded_at: now,
        occurred_at: activity.occurred_at.max(bought.fact.occurred_at),
        anchor_at: bought.fact.anchor_at,
        spend: -next_share(bought.fact.spend, bought.amount, before, amount),
        orders: if whole { -1 } else { 0 },
    };
    let deal = Deal { id, refunds: Some(bought.id), amount, points, entry: None, fact, ..bought };
    tiers::take_in(tx, programme, now, deal).await
}

/// The first check-in of a local day earns what the rules say.
async fn check_in(tx: &Tx, programme: &Programme, now: Time, activity: Activity) -> Result<()> {
    let version = programme.in_force(activity.occurred_at);
    let day = local_day(activity.occurred_at, programme.zone);
    if version.check_in_points == 0 {
        head::lock(tx).await?;
        return accounts::enrol(tx, &activity.user, now).await;
    }
    // The day, not the activity, is what is rewarded once.
    let event = format!("{}@{day}", activity.user);
    let daily = Activity { source: CHECK_IN.to_owned(), event, ..activity };
    let read = [("local_day", day.to_string())];
    let earn = reward(&daily, programme, version, CHECK_IN, version.check_in_points, read);
    post(tx, programme, now, Command::Earn(earn)).await?;
    Ok(())
}

fn reward<const N: usize>(
    activity: &Activity,
    programme: &Programme,
    version: &RuleVersion,
    rule: &str,
    points: i64,
    read: [(&str, String); N],
) -> Earn {
    let origin = Origin {
        source: activity.source.clone(),
        event: activity.event.clone(),
        reason: String::new(),
        rule: rule.to_owned(),
        rule_version: version.version.clone(),
        facts: BTreeMap::from(read.map(|(name, value)| (name.to_owned(), value))),
    };
    Earn {
        // Both parts of the event's name are set, so the id is derived from them.
        id: origin.entry_id(EntryKind::Earn, EntryId::derived(&activity.event)),
        user: activity.user.clone(),
        points,
        occurred_at: activity.occurred_at,
        expires_at: version.expiry(activity.occurred_at, programme.zone),
        // What is told late was earned all the same, and has expired since.
        must_lie_ahead: false,
        origin,
    }
}

fn clawback(
    activity: &Activity,
    programme: &Programme,
    now: Time,
    entry: EntryId,
    points: i64,
) -> Reverse {
    let cause = format!("refund:{}:{}", activity.source, activity.event);
    Reverse {
        id: Reverse::id_for(entry, &cause, entry),
        entry,
        points: Some(points),
        up_to: true,
        policy: programme.reversal_policy,
        expires_at: programme.expiry(now),
        origin: Origin {
            source: activity.source.clone(),
            event: activity.event.clone(),
            reason: cause,
            ..Origin::default()
        },
    }
}

async fn is_erased(tx: &Tx, user: &str) -> Result<bool> {
    Ok(accounts::find(tx, user).await?.is_some_and(|account| account.closed_at.is_some()))
}

/// Posts one command. A refusal by rule (the member was erased, nothing is left to take back) is
/// the end of the matter, not a failure: the event would be refused again every time.
async fn post(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    command: Command,
) -> Result<Option<Entry>> {
    let outcome = ledger::post(tx, programme, now, &[command]).await?.pop();
    match outcome.unwrap_or(Err(Refusal::EntryNotFound)) {
        Ok(entry) => Ok(Some(entry)),
        Err(refusal) => {
            tracing::info!(%refusal, "an activity changed no points");
            Ok(None)
        }
    }
}
