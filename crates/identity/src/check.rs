//! Looks at the data on disk and says what should not be: for an operator, and after a crash.
//!
//! Everything derived is derived once more, from the activities alone, by the same rules.

use crate::app::gather;
use crate::config::Config;
use crate::domain::activity::Recorded;
use crate::domain::calendar::Calendar;
use crate::domain::evaluation::Evaluator;
use crate::domain::facts::{Facts, Standing};
use crate::domain::user::User;
use crate::store::tiles::{self, DayTiles, SpendTiles};
use crate::store::{activities, complaints, memberships, profiles, users};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::{Db, Tx};
use std::collections::{BTreeMap, HashMap};

/// Users looked at together.
const PAGE: u64 = 200;
/// Length of a keyed hash (HMAC-SHA256).
const HASH: usize = 32;

/// What is wrong, one line each; empty when all is well. Compares, for every user: counters,
/// sessions and day tiles with the sums over the activities; complaints with their count;
/// memberships, grade and stage with a fresh evaluation (unless one is due anyway); and looks for
/// personal values in clear and for anything left of erased users. Changes nothing. The service
/// may run: writes to the users being looked at wait for the moment that takes.
pub async fn check(config: &Config, db: &Db, now: DateTime<Utc>) -> Result<Vec<String>> {
    let evaluator = config.evaluator()?;
    let mut wrong = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = users::every(db.read(), after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(wrong) };
        after = Some(last.user_id.clone());
        wrong.extend(check_page(db, &evaluator, now, page).await?);
    }
}

async fn check_page(
    db: &Db,
    evaluator: &Evaluator,
    now: DateTime<Utc>,
    page: Vec<User>,
) -> Result<Vec<String>> {
    let ids: Vec<String> = page.into_iter().map(|user| user.user_id).collect();
    // Whoever writes anything about a user locks the user first, so this is one consistent view.
    let conn = &db.begin().await?;
    let page = users::lock(conn, &ids).await?;
    let mut wrong = Vec::new();
    let mut told: HashMap<String, Vec<Recorded>> = HashMap::new();
    for recorded in activities::of_users(conn, &ids).await? {
        told.entry(recorded.activity.user_id.clone()).or_default().push(recorded);
    }
    let tiles = (tiles::days(conn, &ids, None).await?, tiles::spending(conn, &ids, None).await?);
    let open = complaints::open_of(conn, &ids).await?;
    let memberships = memberships::of_users(conn, &ids).await?;

    let mut sums = (DayTiles::new(), SpendTiles::new());
    for user in &page {
        let activities = told.get(&user.user_id).map(Vec::as_slice).unwrap_or_default();
        let again = derive(user, activities, evaluator.calendar);
        let user_id = || user.user_id.clone();
        sums.0.extend(again.days.into_iter().map(|(day, tile)| ((user_id(), day), tile)));
        let spending = again.spending.into_iter();
        sums.1.extend(spending.map(|((currency, day), tile)| ((user_id(), currency, day), tile)));
        let mut standing = again.standing;
        standing.open_complaints = open.get(&user.user_id).copied().unwrap_or(0);
        wrong.extend(differences(user, &standing));
        if user.erased && (!activities.is_empty() || memberships.contains_key(&user.user_id)) {
            wrong.push(format!("{}: erased, but activities or memberships are left", user.user_id));
        }
    }
    wrong.extend(unequal("day tile", &tiles.0, &sums.0));
    wrong.extend(unequal("spending tile", &tiles.1, &sums.1));

    let facts = gather(conn, evaluator, now, &page).await?;
    for (user, facts) in page.iter().zip(&facts) {
        let due = user.next_change_time.is_some_and(|time| time <= now);
        if due || user.erased {
            continue;
        }
        let verdict = evaluator.evaluate(facts, now).verdict;
        let stored = memberships.get(&user.user_id).copied().unwrap_or_default();
        if (stored, user.grade, user.signals, user.stage)
            != (verdict.segments, verdict.grade, verdict.signals, verdict.stage)
        {
            wrong.push(format!(
                "{}: segments, grade or stage are not what the rules say",
                user.user_id
            ));
        }
    }
    wrong.extend(check_profiles(conn, &page).await?);
    Ok(wrong)
}

/// What the activities alone make of a user.
fn derive(user: &User, activities: &[Recorded], calendar: Calendar) -> Facts {
    let kept = &user.standing;
    let mut facts = Facts::new(kept.create_time);
    facts.standing.given_register_time = kept.given_register_time;
    facts.standing.industry.clone_from(&kept.industry);
    facts.standing.influencer = kept.influencer;
    for recorded in activities {
        facts.fold(&recorded.activity, calendar);
    }
    facts
}

fn differences(user: &User, again: &Standing) -> Option<String> {
    (user.standing != *again)
        .then(|| format!("{}: counters are not those of the activities", user.user_id))
}

fn unequal<K: Ord + std::fmt::Debug, T: PartialEq>(
    what: &str,
    stored: &BTreeMap<K, T>,
    summed: &BTreeMap<K, T>,
) -> Vec<String> {
    let keys = stored.keys().chain(summed.keys().filter(|key| !stored.contains_key(key)));
    keys.filter(|key| stored.get(key) != summed.get(key))
        .map(|key| format!("{what} {key:?} is not the sum of its activities"))
        .collect()
}

async fn check_profiles(conn: &Tx, page: &[User]) -> Result<Vec<String>> {
    let ids: Vec<String> = page.iter().map(|user| user.user_id.clone()).collect();
    let erased: Vec<&str> =
        page.iter().filter(|user| user.erased).map(|user| user.user_id.as_str()).collect();
    let mut wrong = Vec::new();
    for profile in profiles::find(conn, &ids).await? {
        let user_id = &profile.user_id;
        if erased.contains(&user_id.as_str()) {
            wrong.push(format!("{user_id}: erased, but a profile with its key is left"));
        }
        // Sealed values are random to look at; what is readable was never sealed.
        if profile.sealed.starts_with(b"{") && profile.sealed.ends_with(b"}") {
            wrong.push(format!("{user_id}: personal values are stored in clear"));
        }
        let hashes = [&profile.email_hash, &profile.phone_hash];
        if hashes.into_iter().flatten().any(|hash| hash.len() != HASH) {
            wrong.push(format!("{user_id}: a look-up hash has the wrong length"));
        }
    }
    Ok(wrong)
}
