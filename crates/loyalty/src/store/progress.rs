//! What members did, and how far it brought them.

pub(crate) mod tallies;

use super::damaged;
use super::rows::progress::{badges, days, streaks, zones};
use crate::domain::progress::{Attended, Deed, Streak};
use crate::domain::{GrantId, Time};
use chrono::NaiveDate;
use chrono_tz::Tz;
use perennial_platform::{Error, Result};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::BTreeMap;

/// A streak with what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptStreak {
    pub(crate) key: String,
    pub(crate) deed: i16,
    pub(crate) streak: Streak,
    /// How often each milestone was rewarded: never fewer than it was reached, and more when an
    /// event told late made one run of two.
    pub(crate) rewarded: BTreeMap<u32, u32>,
}

/// A badge that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) grant: GrantId,
    pub(crate) badge: String,
    pub(crate) given_at: Time,
}

/// The zones of a member, the earliest first.
pub(crate) async fn zones(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<(Time, Tz)>> {
    let query = zones::Entity::find().filter(zones::Column::UserId.eq(user));
    let rows = query.order_by_asc(zones::Column::EffectiveFrom).all(conn).await?;
    let zone = |row: zones::Model| {
        let zone = row.zone.parse().map_err(|_| damaged("member_zones", &row.zone))?;
        Ok((row.effective_from, zone))
    };
    rows.into_iter().map(zone).collect()
}

/// Pins a zone from an instant on, instead of any that was to hold from there.
pub(crate) async fn pin(
    conn: &impl ConnectionTrait,
    user: &str,
    from: Time,
    zone: Tz,
) -> Result<()> {
    let row = zones::Model {
        user_id: user.to_owned(),
        effective_from: from,
        zone: zone.name().to_owned(),
    };
    let key = OnConflict::columns([zones::Column::UserId, zones::Column::EffectiveFrom])
        .update_column(zones::Column::Zone)
        .to_owned();
    let insert = zones::Entity::insert(row.into_active_model()).on_conflict(key);
    insert.exec_without_returning(conn).await?;
    Ok(())
}

/// Gives a change up that was to come.
pub(crate) async fn unpin(conn: &impl ConnectionTrait, user: &str, after: Time) -> Result<()> {
    zones::Entity::delete_many()
        .filter(zones::Column::UserId.eq(user))
        .filter(zones::Column::EffectiveFrom.gt(after))
        .exec(conn)
        .await?;
    Ok(())
}

/// Members of whom anything is kept here, by name after the one given.
pub(crate) async fn members_after(
    conn: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<String>> {
    let users = zones::Entity::find()
        .select_only()
        .column(zones::Column::UserId)
        .distinct()
        .filter(zones::Column::UserId.gt(after))
        .order_by_asc(zones::Column::UserId)
        .limit(limit);
    Ok(users.into_tuple::<String>().all(conn).await?)
}

/// The days on which a member did something, the earliest first.
pub(crate) async fn days(
    conn: &impl ConnectionTrait,
    user: &str,
    deed: Deed,
    within: Option<(NaiveDate, NaiveDate)>,
) -> Result<Vec<Attended>> {
    let mut query = days::Entity::find()
        .filter(days::Column::UserId.eq(user))
        .filter(days::Column::Deed.eq(deed.number()));
    if let Some((from, to)) = within {
        query = query.filter(days::Column::LocalDate.between(from, to));
    }
    let rows = query.order_by_asc(days::Column::LocalDate).all(conn).await?;
    let day = |row: days::Model| Attended {
        day: row.local_date,
        first_at: row.first_at,
        last_at: row.last_at,
    };
    Ok(rows.into_iter().map(day).collect())
}

/// Writes a day down.
pub(crate) async fn save_day(
    conn: &impl ConnectionTrait,
    user: &str,
    deed: Deed,
    day: Attended,
) -> Result<()> {
    use days::Column as C;
    let row = days::Model {
        user_id: user.to_owned(),
        deed: deed.number(),
        local_date: day.day,
        first_at: day.first_at,
        last_at: day.last_at,
    };
    let key = OnConflict::columns([C::UserId, C::Deed, C::LocalDate])
        .update_columns([C::FirstAt, C::LastAt])
        .to_owned();
    let insert = days::Entity::insert(row.into_active_model()).on_conflict(key);
    insert.exec_without_returning(conn).await?;
    Ok(())
}

/// The streaks of a member, by key.
pub(crate) async fn streaks(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<KeptStreak>> {
    let query = streaks::Entity::find().filter(streaks::Column::UserId.eq(user));
    let rows = query.order_by_asc(streaks::Column::Offer).all(conn).await?;
    let bad = |error: serde_json::Error| damaged("streaks", error);
    let kept = |row: streaks::Model| {
        Ok(KeptStreak {
            key: row.offer,
            deed: row.deed,
            streak: serde_json::from_str(&row.state).map_err(bad)?,
            rewarded: serde_json::from_str(&row.rewarded).map_err(bad)?,
        })
    };
    rows.into_iter().map(kept).collect()
}

/// Writes a streak down.
pub(crate) async fn save_streak(
    conn: &impl ConnectionTrait,
    user: &str,
    kept: &KeptStreak,
) -> Result<()> {
    use streaks::Column as C;
    let row = streaks::Model {
        user_id: user.to_owned(),
        offer: kept.key.clone(),
        deed: kept.deed,
        state: serde_json::to_string(&kept.streak).map_err(Error::internal)?,
        rewarded: serde_json::to_string(&kept.rewarded).map_err(Error::internal)?,
    };
    let key = OnConflict::columns([C::UserId, C::Offer])
        .update_columns([C::Deed, C::State, C::Rewarded])
        .to_owned();
    let insert = streaks::Entity::insert(row.into_active_model()).on_conflict(key);
    insert.exec_without_returning(conn).await?;
    Ok(())
}

/// The badges of a member, the earliest first.
pub(crate) async fn badges(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Held>> {
    let rows = badges::Entity::find()
        .filter(badges::Column::UserId.eq(user))
        .order_by_asc(badges::Column::GivenAt)
        .order_by_asc(badges::Column::GrantId)
        .all(conn)
        .await?;
    let held = |row: badges::Model| Held {
        grant: GrantId::from(row.grant_id),
        badge: row.badge,
        given_at: row.given_at,
    };
    Ok(rows.into_iter().map(held).collect())
}

/// Hands a badge over.
pub(crate) async fn add_badge(conn: &impl ConnectionTrait, user: &str, held: Held) -> Result<()> {
    let row = badges::Model {
        grant_id: held.grant.uuid(),
        user_id: user.to_owned(),
        badge: held.badge,
        given_at: held.given_at,
    };
    badges::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Takes a badge back.
pub(crate) async fn remove_badge(conn: &impl ConnectionTrait, grant: GrantId) -> Result<()> {
    badges::Entity::delete_by_id(grant.uuid()).exec(conn).await?;
    Ok(())
}

/// Drops everything a member did and reached.
pub(crate) async fn forget(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    zones::Entity::delete_many().filter(zones::Column::UserId.eq(user)).exec(conn).await?;
    days::Entity::delete_many().filter(days::Column::UserId.eq(user)).exec(conn).await?;
    streaks::Entity::delete_many().filter(streaks::Column::UserId.eq(user)).exec(conn).await?;
    badges::Entity::delete_many().filter(badges::Column::UserId.eq(user)).exec(conn).await?;
    tallies::forget(conn, user).await
}
