//! Tasks, streaks, challenges, badges and stamp cards: what members do, followed and rewarded.
//!
//! Events come from identity's log. Each counts once for each offer, however often it is told, and
//! what it counted for stands written down beside the sum, so that the sum can be checked.

pub(crate) mod audit;
mod begun;
pub(crate) mod challenges;
mod count;
pub(crate) mod read;
mod streaks;
mod take_back;
pub(crate) mod zones;

use super::activities::Activity;
use crate::domain::progress::streak::is_apart;
use crate::domain::progress::{Deed, OwnCalendar};
use crate::domain::{Account, Cause, Grant, Programme, Reward, RuleVersion, Time};
use crate::store::progress::{self as store, Held};
use crate::store::{accounts, grants};
use chrono::{Days, NaiveDate};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_proto::identity::v1::ActivityKind;
use sea_orm::ConnectionTrait;
use std::borrow::Cow;
use uuid::Uuid;

/// A member, as everything here needs them.
struct Member<'a> {
    account: Account,
    /// The rules as they hold for this member.
    programme: Cow<'a, Programme>,
    calendar: OwnCalendar,
}

impl Member<'_> {
    fn user(&self) -> &str {
        &self.account.user
    }

    fn in_force(&self, at: Time) -> &RuleVersion {
        self.programme.in_force(at)
    }
}

/// Reads a member; `None` when there is none.
async fn member<'a>(
    conn: &impl ConnectionTrait,
    programme: &'a Programme,
    user: &str,
) -> Result<Option<Member<'a>>> {
    let Some(account) = accounts::find(conn, user).await? else { return Ok(None) };
    let calendar = calendar(conn, programme, user).await?;
    let programme = programme.of_member(account.joined_at);
    Ok(Some(Member { account, programme, calendar }))
}

/// A member of whom something is written down from now on: their zone is pinned, so that a change
/// of the programme's own does not move their days.
async fn pinned_member<'a>(
    tx: &Tx,
    programme: &'a Programme,
    user: &str,
) -> Result<Option<Member<'a>>> {
    if store::zones(tx, user).await?.is_empty() {
        store::pin(tx, user, Time::UNIX_EPOCH, programme.zone).await?;
    }
    member(tx, programme, user).await
}

/// The days of a member.
async fn calendar(
    conn: &impl ConnectionTrait,
    programme: &Programme,
    user: &str,
) -> Result<OwnCalendar> {
    let mut zones = store::zones(conn, user).await?.into_iter();
    let first = zones.next().map_or(programme.zone, |(_, zone)| zone);
    Ok(OwnCalendar::new(first, zones))
}

/// Counts an activity. The caller has locked the ledger's head.
pub(crate) async fn follow(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    activity: &Activity,
) -> Result<()> {
    if activity.kind == ActivityKind::Refund {
        return take_back::refund(tx, programme, now, activity).await;
    }
    let deed = i16::try_from(activity.kind as i32).ok().and_then(Deed::from_number);
    let Some(deed) = deed else { return Ok(()) };
    let followed = programme.versions().iter().any(|version| version.progress.follows(deed));
    // A check-in's day is needed for its points even where nothing else asks for it.
    if !followed && deed != Deed::CheckIn {
        return Ok(());
    }
    accounts::enrol(tx, &activity.user, now).await?;
    let Some(member) = pinned_member(tx, programme, &activity.user).await? else { return Ok(()) };
    streaks::attend(tx, &member, now, deed, activity).await?;
    count::count(tx, &member, now, deed, activity).await
}

/// The member's day whose check-in an activity is, and whether it can be rewarded: not when it lies
/// too near to one of another day that was before or after a change of the zone (reference, S13).
pub(crate) async fn check_in_day(
    tx: &Tx,
    programme: &Programme,
    activity: &Activity,
) -> Result<(NaiveDate, bool)> {
    let calendar = calendar(tx, programme, &activity.user).await?;
    let (at, user) = (activity.occurred_at, &activity.user);
    let day = calendar.day(at);
    // Eighteen hours never reach further than this.
    let near = day.checked_sub_days(Days::new(3)).zip(day.checked_add_days(Days::new(3)));
    let known = store::days(tx, user, Deed::CheckIn, near).await?;
    let other_days = known.iter().filter(|known| known.day != day);
    let apart = |known: Time| is_apart(known, at, &calendar);
    let mut apart = other_days.map(|known| apart(known.first_at) && apart(known.last_at));
    Ok((day, apart.all(|apart| apart)))
}

/// Hands a badge over.
pub(crate) async fn give_badge(tx: &Tx, now: Time, grant: &Grant, badge: &str) -> Result<bool> {
    let held = Held { grant: grant.id, badge: badge.to_owned(), given_at: now };
    store::add_badge(tx, &grant.user, held).await?;
    Ok(true)
}

/// Takes a badge back.
pub(crate) async fn take_badge(tx: &Tx, _: Time, grant: &Grant) -> Result<()> {
    store::remove_badge(tx, grant.id).await
}

/// Drops what an erased person did.
pub(crate) async fn forget(tx: &Tx, user: &str) -> Result<()> {
    store::forget(tx, user).await
}

/// The name of a business event.
fn event_id(activity: &Activity) -> Uuid {
    let name = format!("{} {}", activity.source, activity.event);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

/// What the `n`-th time of something is given for, or of a later time when that name was used up
/// by who was erased and came back.
async fn cause(
    tx: &Tx,
    user: &str,
    kind: &'static str,
    key: &str,
    first: u32,
    version: &str,
) -> Result<Cause> {
    let mut number = first;
    loop {
        let id = format!("{key}#{number}");
        if grants::for_cause(tx, user, kind, &id).await?.is_empty() {
            return Ok(Cause { kind, id, rule_version: version.to_owned() });
        }
        number += 1;
    }
}

/// Gives rewards and answers what they were given for.
async fn give(
    tx: &Tx,
    member: &Member<'_>,
    now: Time,
    cause: Cause,
    rewards: &[Reward],
) -> Result<String> {
    let user = member.user();
    super::rewards::grant(tx, &member.programme, now, user, &cause, rewards, false).await?;
    Ok(cause.id)
}
