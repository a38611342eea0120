//! Purchases that counted and are given back.
//!
//! Declared: a task or challenge whose goal is missed again is open again and its rewards are taken
//! back, unless the rules let it be. A full stamp card stays, with its reward; the next one starts
//! behind. A part given back takes a stamp with it as soon as what is left would not have earned
//! one.

use super::count::{apply, begin, offer};
use super::{Member, event_id, pinned_member};
use crate::app::activities::Activity;
use crate::domain::progress::{Goal, Mark, Measure, Sort, Tally};
use crate::domain::refund::next_share;
use crate::domain::{Programme, Time};
use crate::store::progress::tallies;
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::BTreeSet;

/// Takes back what a refunded order counted for. One that counted for nothing changes nothing.
pub(super) async fn refund(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: &Activity,
) -> Result<()> {
    let Some((currency, asked)) = activity.paid.as_ref().filter(|_| !activity.object.is_empty())
    else {
        return Ok(());
    };
    let marks = tallies::marks_of_order(tx, &activity.user, &activity.object).await?;
    let event = event_id(activity);
    let offers: BTreeSet<(Sort, &String)> =
        marks.iter().map(|mark| (mark.sort, &mark.key)).collect();
    if offers.is_empty() {
        return Ok(());
    }
    let Some(member) = pinned_member(tx, programme, &activity.user).await? else { return Ok(()) };
    for (sort, key) in offers {
        let of_offer = || marks.iter().filter(|mark| mark.sort == sort && mark.key == *key);
        let bought = of_offer().rfind(|mark| mark.takes_back.is_none());
        let Some(bought) = bought.filter(|bought| bought.currency == *currency) else { continue };
        let before: Vec<&Mark> =
            of_offer().filter(|mark| mark.takes_back == Some(bought.event)).collect();
        let refunded: i64 = before.iter().map(|mark| -mark.paid).sum();
        let given = (*asked).min(bought.paid - refunded);
        if given <= 0 || of_offer().any(|mark| mark.event == event) {
            continue;
        }
        let known = tallies::all(tx, member.user()).await?;
        let Some(tally) = round(&member, activity, bought, &known) else { continue };
        let Some(goal) = offer(&member.programme, &tally) else { continue };
        let counts = bought.amount + before.iter().map(|mark| mark.amount).sum::<i64>();
        let mark = Mark {
            event,
            takes_back: Some(bought.event),
            round: tally.round,
            amount: -lost(&member, goal, bought, refunded, given, counts),
            paid: -given,
            at: activity.occurred_at,
            ..bought.clone()
        };
        let same_day = tallies::marks_of_day(tx, member.user(), sort, key, bought.day).await?;
        apply(tx, &member, now, goal, tally, &same_day, &mark).await?;
    }
    Ok(())
}

/// The round that loses: that in which the purchase counted, or the one after a full card.
fn round(
    member: &Member<'_>,
    activity: &Activity,
    bought: &Mark,
    known: &[Tally],
) -> Option<Tally> {
    let mut rounds = known.iter().filter(|t| t.sort == bought.sort && t.key == bought.key);
    let own = rounds.clone().find(|tally| tally.round == bought.round)?;
    if own.sort != Sort::Card || own.completed_at.is_none() {
        return Some(own.clone());
    }
    let latest = rounds.next_back()?;
    if latest.completed_at.is_none() {
        return Some(latest.clone());
    }
    let at = activity.occurred_at;
    let version = member.in_force(at);
    let goal = version.progress.goal(bought.sort, &bought.key).filter(|goal| goal.repeats)?;
    Some(begin(version, bought.sort, goal, latest.round + 1, at, member.calendar.day(at)))
}

/// How much of what counted is lost when `given` more is given back.
fn lost(
    member: &Member<'_>,
    goal: &Goal,
    bought: &Mark,
    refunded: i64,
    given: i64,
    counts: i64,
) -> i64 {
    if goal.measure == Measure::Paid {
        return next_share(bought.amount, bought.paid, refunded, given);
    }
    let left = bought.paid - refunded - given;
    let worth = member.in_force(bought.at).worth(&bought.currency, left);
    let still = worth.is_some_and(|(worth, _)| worth.spend >= goal.min_minor_units.max(1));
    // In a currency without a worth a purchase counts only where no amount is asked for.
    if still || (worth.is_none() && left > 0) { 0 } else { counts }
}
