//! The operator's check of what members reached.

use super::{Member, count, member, store};
use crate::domain::progress::streak::Judge;
use crate::domain::progress::tally::from_scratch;
use crate::domain::progress::{Deed, Mark, OnRefund, Sort, Streak, Tally};
use crate::domain::{Programme, Reward};
use crate::store::grants;
use crate::store::progress::tallies;
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// Members read at once.
const PAGE: u64 = 200;

/// What stands written down equals what the counted events rebuild: streaks from their days, the
/// rest from its marks; every day is the one that the member's zones say; every badge has a grant
/// that stands. Violations begin with I12.
pub(crate) async fn check(tx: &Tx, programme: &Programme) -> Result<Vec<String>> {
    let (mut found, mut user) = (Vec::new(), String::new());
    loop {
        let page = store::members_after(tx, &user, PAGE).await?;
        let Some(last) = page.last() else { break };
        user.clone_from(last);
        for user in &page {
            let Some(member) = member(tx, programme, user).await? else { continue };
            let days = check_streaks(tx, &member).await?;
            let tallies = check_tallies(tx, &member).await?;
            let badges = check_badges(tx, user).await?;
            let all = days.into_iter().chain(tallies).chain(badges);
            found.extend(all.map(|what| format!("I12: {user}: {what}")));
        }
    }
    Ok(found)
}

async fn check_streaks(tx: &Tx, member: &Member<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for deed in Deed::ALL {
        for day in store::days(tx, member.user(), deed, None).await? {
            let says = |at| member.calendar.day(at);
            if says(day.first_at) != day.day || says(day.last_at) != day.day {
                found.push(format!("{deed:?} on {} is not of that day", day.day));
            }
        }
    }
    for kept in store::streaks(tx, member.user()).await? {
        let Some(deed) = Deed::from_number(kept.deed) else { continue };
        let judge =
            Judge { programme: &member.programme, calendar: &member.calendar, key: &kept.key };
        let days = store::days(tx, member.user(), deed, None).await?;
        let (scratch, _) = Streak::from_scratch(&days, judge);
        if scratch != kept.streak {
            found.push(format!(
                "streak {} is {:?}, from scratch {scratch:?}",
                kept.key, kept.streak
            ));
        }
        let unpaid = scratch.reached.iter().find(|(days, times)| {
            let offered = judge.offer(&scratch.version);
            let offered = offered.is_some_and(|o| o.milestones.iter().any(|m| m.days == **days));
            offered && kept.rewarded.get(days).is_none_or(|given| given < times)
        });
        if let Some((days, times)) = unpaid {
            found.push(format!("streak {} reached {days} days {times} times unpaid", kept.key));
        }
    }
    Ok(found)
}

async fn check_tallies(tx: &Tx, member: &Member<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut read: Option<(Sort, String, Vec<Mark>)> = None;
    for tally in tallies::all(tx, member.user()).await? {
        let known = |(sort, key, _): &(Sort, String, _)| *sort == tally.sort && *key == tally.key;
        let marks = match read.take().filter(known) {
            Some((.., marks)) => marks,
            None => tallies::marks(tx, member.user(), tally.sort, &tally.key).await?,
        };
        found.extend(tally_fault(member, &tally, &marks));
        read = Some((tally.sort, tally.key, marks));
    }
    Ok(found)
}

fn tally_fault(member: &Member<'_>, tally: &Tally, marks: &[Mark]) -> Option<String> {
    let goal = count::offer(&member.programme, tally)?;
    let name = format!("{} {}#{}", tally.sort.cause(), tally.key, tally.round);
    let own = marks.iter().filter(|mark| mark.round == tally.round);
    let scratch = from_scratch(goal.measure, own);
    if scratch != tally.done {
        return Some(format!("{name} says {}, its marks say {scratch}", tally.done));
    }
    if tally.completed_at.is_none() && tally.left_at.is_none() && tally.done >= tally.goal {
        return Some(format!("{name} is full and not completed"));
    }
    let strict = tally.sort != Sort::Card && goal.on_refund == OnRefund::Revoke;
    let open = strict && tally.completed_at.is_some() && tally.done < tally.goal;
    open.then(|| format!("{name} is completed and not full"))
}

/// A badge stands for a grant, and a grant for a badge.
async fn check_badges(tx: &Tx, user: &str) -> Result<Vec<String>> {
    let held = store::badges(tx, user).await?;
    let ids: Vec<_> = held.iter().map(|held| held.grant).collect();
    let given = grants::by_id(tx, &ids).await?;
    let stands = |held: &&store::Held| {
        given.iter().any(|grant| {
            let badge = matches!(&grant.reward, Reward::Badge(badge) if *badge == held.badge);
            badge && grant.id == held.grant && grant.user == user && grant.revoked_at.is_none()
        })
    };
    let loose = held.iter().filter(|held| !stands(held));
    Ok(loose.map(|held| format!("badge {} without a grant that stands", held.badge)).collect())
}
