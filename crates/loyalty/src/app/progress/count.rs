//! What counts for tasks, challenges and stamp cards.

use super::{Member, cause, event_id, give};
use crate::app::{activities::Activity, rewards};
use crate::domain::progress::tally::{Turn, step};
use crate::domain::progress::{Deed, Goal, Mark, Measure, Sort, Tally};
use crate::domain::{Cause, Programme, RuleVersion, Tier, Time};
use crate::store::progress::tallies;
use crate::store::standings;
use chrono::NaiveDate;
use perennial_platform::db::Tx;
use perennial_platform::{Error, Result};
use std::collections::BTreeSet;

/// The offer as a round of it knows it: that of its own version, or the latest where that is gone.
pub(super) fn offer<'a>(programme: &'a Programme, tally: &Tally) -> Option<&'a Goal> {
    let versions = programme.versions();
    let own = versions.iter().filter(|version| version.version == tally.version);
    own.chain(versions.iter().rev()).find_map(|v| v.progress.goal(tally.sort, &tally.key))
}

/// A round that begins.
pub(super) fn begin(
    version: &RuleVersion,
    sort: Sort,
    goal: &Goal,
    round: i32,
    at: Time,
    began_on: NaiveDate,
) -> Tally {
    Tally {
        sort,
        key: goal.key.clone(),
        round,
        version: version.version.clone(),
        began_at: at,
        last_day: goal.last_day(began_on),
        goal: goal.goal,
        done: 0,
        completed_at: None,
        left_at: None,
        cause_id: String::new(),
    }
}

/// Counts an activity for everything it counts for.
pub(super) async fn count(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    deed: Deed,
    activity: &Activity,
) -> Result<()> {
    let version = member.in_force(activity.occurred_at);
    let known = tallies::all(tx, member.user()).await?;
    for sort in Sort::ALL {
        let begun = known.iter().filter(|tally| tally.sort == sort).map(|tally| &tally.key);
        let offered = version.progress.of(sort).iter().filter(|goal| goal.activity == deed);
        let keys: BTreeSet<&String> = begun.chain(offered.map(|goal| &goal.key)).collect();
        for key in keys {
            let mut latest = known.iter().rev();
            let latest = latest.find(|tally| tally.sort == sort && tally.key == *key);
            let Some(tally) = round(member, activity, sort, key, latest) else { continue };
            count_for(tx, member, now, deed, activity, tally).await?;
        }
    }
    Ok(())
}

/// The round for which an activity can count: the one that runs, or a new one.
fn round(
    member: &Member<'_>,
    activity: &Activity,
    sort: Sort,
    key: &str,
    latest: Option<&Tally>,
) -> Option<Tally> {
    let (at, calendar) = (activity.occurred_at, &member.calendar);
    let day = calendar.day(at);
    if let Some(tally) = latest {
        let goal = offer(&member.programme, tally)?;
        if tally.takes(goal, at, day) {
            return Some(tally.clone());
        }
    }
    let version = member.in_force(at);
    let goal = version.progress.goal(sort, key)?;
    let began_on = match sort {
        Sort::Task => calendar.day(member.account.joined_at),
        Sort::Challenge | Sort::Card => day,
    };
    let number = match (sort, latest) {
        (Sort::Task | Sort::Card, None) => 1,
        (Sort::Card, Some(full)) if full.completed_at.is_some() && goal.repeats => full.round + 1,
        _ => return None,
    };
    let tally = begin(version, sort, goal, number, at, began_on);
    tally.takes(goal, at, day).then_some(tally)
}

/// Counts an activity for one round, once.
async fn count_for(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    deed: Deed,
    activity: &Activity,
    tally: Tally,
) -> Result<()> {
    let Some(goal) = offer(&member.programme, &tally) else { return Ok(()) };
    let at = activity.occurred_at;
    let day = member.calendar.day(at);
    let counts = goal.activity == deed && goal.is_about(&activity.object) && goal.is_on(day);
    let amount = worth(goal, member.in_force(at), activity).filter(|_| counts);
    let Some(amount) = amount else { return Ok(()) };
    let (user, event) = (member.user(), event_id(activity));
    if tallies::is_marked(tx, user, tally.sort, &tally.key, event).await?
        || tier(tx, user).await? < goal.min_tier
    {
        return Ok(());
    }
    let same_day = tallies::marks_of_day(tx, user, tally.sort, &tally.key, day).await?;
    let stamps: i64 = same_day.iter().map(|mark| mark.amount).sum();
    if goal.max_per_day > 0 && stamps >= i64::from(goal.max_per_day) {
        return Ok(());
    }
    let (currency, paid) = match (&activity.paid, deed) {
        (Some((currency, paid)), Deed::Purchase) => (currency.clone(), *paid),
        _ => (String::new(), 0),
    };
    let order = if deed == Deed::Purchase { activity.object.clone() } else { String::new() };
    let mark = Mark {
        event,
        takes_back: None,
        sort: tally.sort,
        key: tally.key.clone(),
        round: tally.round,
        day,
        at,
        amount,
        paid,
        currency,
        order,
    };
    apply(tx, member, now, goal, tally, &same_day, &mark).await
}

/// Writes a mark down with what it does to its round. `same_day` are the offer's other marks of
/// its day.
pub(super) async fn apply(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    goal: &Goal,
    mut tally: Tally,
    same_day: &[Mark],
    mark: &Mark,
) -> Result<()> {
    let user = member.user();
    let mut beside = same_day.to_vec();
    beside.retain(|other| other.round == mark.round);
    tallies::add_mark(tx, user, mark).await?;
    match tally.add(step(goal.measure, &beside, mark), mark.at, goal.on_refund) {
        Turn::None => {}
        Turn::Completed => {
            tally.cause_id = reward(tx, member, now, goal, &tally).await?;
        }
        Turn::Undone => {
            let (kind, cause_id) = (tally.sort.cause(), &tally.cause_id);
            rewards::revoke(tx, &member.programme, now, user, kind, cause_id).await?;
        }
    }
    tallies::save(tx, user, &tally).await
}

/// Gives what the goal brings; after it was missed again, what was taken back then. Answers what
/// it was given for.
async fn reward(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    goal: &Goal,
    tally: &Tally,
) -> Result<String> {
    let (user, kind) = (member.user(), tally.sort.cause());
    if tally.cause_id.is_empty() {
        let first = u32::try_from(tally.round).map_err(Error::internal)?;
        let cause = cause(tx, user, kind, &tally.key, first, &tally.version).await?;
        return give(tx, member, now, cause, &goal.rewards).await;
    }
    let (id, rule_version) = (tally.cause_id.clone(), tally.version.clone());
    let cause = Cause { kind, id, rule_version };
    rewards::grant_again(tx, &member.programme, now, user, &cause, &goal.rewards).await
}

/// What an activity counts for an offer; `None`: nothing.
fn worth(goal: &Goal, version: &RuleVersion, activity: &Activity) -> Option<i64> {
    let (currency, paid) = activity.paid.as_ref().map_or(("", 0), |(c, paid)| (c.as_str(), *paid));
    let spend = version.worth(currency, paid).map_or(0, |(worth, _)| worth.spend);
    if goal.min_minor_units > 0 && spend < goal.min_minor_units {
        return None;
    }
    let amount = match goal.measure {
        Measure::Count | Measure::Days => 1,
        Measure::Seconds => activity.duration.map_or(0, |lasted| lasted.num_seconds()),
        Measure::Paid => spend,
    };
    Some(amount).filter(|amount| *amount > 0)
}

/// Where a member stands: a purchase is judged for the tier before it counts here.
pub(super) async fn tier(conn: &impl sea_orm::ConnectionTrait, user: &str) -> Result<Tier> {
    let kept = standings::find(conn, user).await?;
    Ok(kept.map_or(Tier::Ordinary, |kept| kept.standing.tier))
}
