//! Days in a row.

use super::{Member, cause, give};
use crate::app::activities::Activity;
use crate::domain::Time;
use crate::domain::progress::streak::Judge;
use crate::domain::progress::{Attended, Deed, Streak};
use crate::store::progress::{self as store, KeptStreak};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::BTreeMap;

/// What a streak's milestones are rewarded for.
const STREAK: &str = "streak";

/// Takes a day in, and whatever it does to the streaks that it counts for.
pub(super) async fn attend(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    deed: Deed,
    activity: &Activity,
) -> Result<()> {
    let (user, at) = (member.user(), activity.occurred_at);
    let streaks = concerned(tx, member, deed, at).await?;
    if streaks.is_empty() && deed != Deed::CheckIn {
        return Ok(());
    }
    let day = member.calendar.day(at);
    let known = store::days(tx, user, deed, Some((day, day))).await?.pop();
    let attended = known.map_or(Attended { day, first_at: at, last_at: at }, |known| Attended {
        day,
        first_at: known.first_at.min(at),
        last_at: known.last_at.max(at),
    });
    if known == Some(attended) {
        return Ok(());
    }
    store::save_day(tx, user, deed, attended).await?;
    for mut kept in streaks {
        let judge =
            Judge { programme: &member.programme, calendar: &member.calendar, key: &kept.key };
        let later = kept.streak.last.is_some_and(|(last, _)| last < day);
        if known.is_some() && kept.streak.go_on(&attended) {
            store::save_streak(tx, user, &kept).await?;
            continue;
        }
        if later && known.is_none() {
            kept.streak.attend(&attended, judge);
        } else {
            // What is told late can join two runs, so all of it is looked at again.
            let days = store::days(tx, user, deed, None).await?;
            kept.streak = Streak::from_scratch(&days, judge).0;
        }
        reward(tx, member, now, &mut kept).await?;
        store::save_streak(tx, user, &kept).await?;
    }
    Ok(())
}

/// The streaks for which a day of this deed counts: those the member has, and those on offer.
async fn concerned(tx: &Tx, member: &Member<'_>, deed: Deed, at: Time) -> Result<Vec<KeptStreak>> {
    let mut streaks = store::streaks(tx, member.user()).await?;
    for offer in member.in_force(at).progress.streaks.iter().filter(|s| s.activity == deed) {
        if !streaks.iter().any(|kept| kept.key == offer.key) {
            streaks.push(KeptStreak {
                key: offer.key.clone(),
                deed: deed.number(),
                streak: Streak::default(),
                rewarded: BTreeMap::new(),
            });
        }
    }
    streaks.retain(|kept| kept.deed == deed.number());
    Ok(streaks)
}

/// Rewards each milestone for each time it was reached. What was given stays given when an event
/// told late makes one run of two; the next time is then paid for already.
async fn reward(tx: &Tx, member: &Member<'_>, now: Time, kept: &mut KeptStreak) -> Result<()> {
    let judge = Judge { programme: &member.programme, calendar: &member.calendar, key: &kept.key };
    let Some(offer) = judge.offer(&kept.streak.version) else { return Ok(()) };
    for milestone in &offer.milestones {
        let times = kept.streak.reached.get(&milestone.days).copied().unwrap_or(0);
        let given = kept.rewarded.entry(milestone.days).or_default();
        while *given < times {
            *given += 1;
            let key = format!("{}/{}", kept.key, milestone.days);
            let version = &kept.streak.version;
            let cause = cause(tx, member.user(), STREAK, &key, *given, version).await?;
            give(tx, member, now, cause, &milestone.rewards).await?;
        }
    }
    Ok(())
}
