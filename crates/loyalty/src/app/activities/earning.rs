//! What purchases and check-ins earn, and what refunds take back. Every judgement is kept with what
//! it read, so that a number, or nothing, can be explained and computed again.

mod worth;

use super::{Activity, is_erased};
use crate::app::{ledger, progress, tiers};
use crate::domain::command::{Command, Earn, Reverse};
use crate::domain::judgement::{CHECK_IN, Judgement, NoPoints, PURCHASE, REFUND};
use crate::domain::refund::next_share;
use crate::domain::tier::{Deal, Fact};
use crate::domain::{Entry, EntryId, EntryKind, Origin, Programme, Refusal, RuleVersion, Time};
use crate::store::{accounts, entries, facts as deals, head, judgements};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::BTreeMap;
use worth::{uncarried, weigh};

type Facts = BTreeMap<String, String>;

/// A purchase earns points and counts for the tier. What costs nothing, or is paid in a currency
/// without a rate, earns nothing but still counts as an order.
pub(super) async fn purchase(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: Activity,
) -> Result<()> {
    let Some((currency, amount)) = activity.paid.clone().filter(|(_, amount)| *amount >= 0) else {
        return Ok(());
    };
    let id = activity.deal();
    head::lock(tx).await?;
    if deals::exists(tx, id).await? || is_erased(tx, &activity.user).await? {
        return Ok(());
    }
    let version = programme.in_force(activity.occurred_at);
    let worth = version.worth(&currency, amount).map(|(worth, _)| worth);
    let found = weigh(tx, version, &activity, &currency, amount).await?;
    let entry = if found.points > 0 {
        let read = found.read.clone();
        let earn = reward(&activity, programme, version, PURCHASE, found.points, read);
        post(tx, programme, now, Command::Earn(earn)).await?
    } else {
        None
    };
    if entry.is_none() {
        accounts::enrol(tx, &activity.user, now).await?;
    }
    // Points that the ledger refused leave no fraction either.
    let kept = entry.is_some() || found.points == 0;
    let judgement = Judgement {
        version: version.version.clone(),
        facts: found.read,
        outcome: entry.as_ref().map(|entry| entry.id).ok_or(found.nothing),
        carried: found.carried.filter(|_| kept),
        ..judgement(&activity, PURCHASE, now)
    };
    judgements::add(tx, judgement).await?;
    let fact = Fact {
        occurred_at: activity.occurred_at,
        anchor_at: activity.occurred_at,
        spend: worth.map_or(0, |worth| worth.spend),
        orders: 1,
        ..Fact::nothing(now)
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
pub(super) async fn refund(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: Activity,
) -> Result<()> {
    let Some((currency, asked)) = activity.paid.clone().filter(|_| !activity.object.is_empty())
    else {
        return Ok(());
    };
    let id = activity.deal();
    head::lock(tx).await?;
    if deals::exists(tx, id).await? {
        return Ok(());
    }
    let bought = deals::purchase(tx, &activity.user, &activity.object).await?;
    let Some(bought) = bought.filter(|bought| bought.currency == currency) else {
        tracing::warn!(event = activity.event, "a refund of no known order");
        return Ok(());
    };
    let before = deals::refunded(tx, &bought).await?;
    let amount = asked.min(bought.amount - before);
    if amount <= 0 {
        return Ok(());
    }
    let points = next_share(bought.points, bought.amount, before, amount);
    let points = if flawed!(RefundTwice) { points * 2 } else { points };
    let taken = match bought.entry.filter(|_| points > 0 && !flawed!(RefundKeepsPoints)) {
        Some(entry) => {
            let reverse = clawback(&activity, programme, now, entry, points);
            post(tx, programme, now, Command::Reverse(reverse)).await?
        }
        None => None,
    };
    let nothing = if points > 0 { NoPoints::NothingToTakeBack } else { NoPoints::BelowOnePoint };
    let read = [
        ("order", bought.order.clone()),
        ("order_points", bought.points.to_string()),
        ("order_minor_units", bought.amount.to_string()),
        ("refunded_before", before.to_string()),
        ("minor_units", amount.to_string()),
    ];
    let first = judgements::find(tx, bought.id).await?;
    let version = first.as_ref().map_or("", |first| &first.version).to_owned();
    let judgement = Judgement {
        version,
        facts: facts(read),
        outcome: taken.map(|entry| entry.id).ok_or(nothing),
        carried: first.and_then(|first| uncarried(&first, amount, points)),
        ..judgement(&activity, REFUND, now)
    };
    judgements::add(tx, judgement).await?;
    let whole = before + amount == bought.amount;
    let fact = Fact {
        occurred_at: activity.occurred_at.max(bought.fact.occurred_at),
        anchor_at: bought.fact.anchor_at,
        spend: -next_share(bought.fact.spend, bought.amount, before, amount),
        orders: if whole { -1 } else { 0 },
        ..Fact::nothing(now)
    };
    let deal = Deal { id, refunds: Some(bought.id), amount, points, entry: None, fact, ..bought };
    tiers::take_in(tx, programme, now, deal).await
}

/// The first check-in of a local day earns what the rules say.
pub(super) async fn check_in(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: Activity,
) -> Result<()> {
    let version = programme.in_force(activity.occurred_at);
    head::lock(tx).await?;
    if is_erased(tx, &activity.user).await?
        || judgements::find(tx, activity.deal()).await?.is_some()
    {
        return Ok(());
    }
    let points = version.check_in_points;
    let (day, counts) = progress::check_in_day(tx, programme, &activity).await?;
    let read = facts([("local_day", day.to_string()), ("points", points.to_string())]);
    let outcome = if points == 0 {
        accounts::enrol(tx, &activity.user, now).await?;
        Err(NoPoints::NoReward)
    } else if !counts {
        // A change of the zone made another day of it; the one before was rewarded for both.
        Err(NoPoints::CheckInAlreadyRewarded)
    } else {
        // The day, not the activity, is what is rewarded once.
        let event = format!("{}@{day}", activity.user);
        let daily = Activity { source: CHECK_IN.to_owned(), event, ..activity.clone() };
        let earn = reward(&daily, programme, version, CHECK_IN, points, read.clone());
        if entries::find(tx, earn.id).await?.is_some() {
            Err(NoPoints::CheckInAlreadyRewarded)
        } else {
            let entry = post(tx, programme, now, Command::Earn(earn)).await?;
            entry.map(|entry| entry.id).ok_or(NoPoints::BalanceLimit)
        }
    };
    let judgement = Judgement {
        version: version.version.clone(),
        facts: read,
        outcome,
        ..judgement(&activity, CHECK_IN, now)
    };
    judgements::add(tx, judgement).await
}

/// A judgement still without its outcome.
fn judgement(activity: &Activity, rule: &str, now: Time) -> Judgement {
    Judgement {
        id: activity.deal(),
        user: activity.user.clone(),
        rule: rule.to_owned(),
        version: String::new(),
        order: activity.object.clone(),
        facts: Facts::new(),
        outcome: Err(NoPoints::UnknownEvent),
        carried: None,
        occurred_at: activity.occurred_at,
        recorded_at: now,
    }
}

fn facts<const N: usize>(read: [(&str, String); N]) -> Facts {
    Facts::from(read.map(|(name, value)| (name.to_owned(), value)))
}

fn reward(
    activity: &Activity,
    programme: &Programme,
    version: &RuleVersion,
    rule: &str,
    points: i64,
    read: Facts,
) -> Earn {
    let origin = Origin {
        source: activity.source.clone(),
        event: activity.event.clone(),
        reason: String::new(),
        rule: rule.to_owned(),
        rule_version: version.version.clone(),
        facts: read,
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
