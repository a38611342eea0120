//! Users: found, locked, created, saved, due.

use super::CHUNK;
use super::rows::profile;
use super::rows::user::{ActiveModel, Column, Entity, Model};
use crate::domain::calendar::Calendar;
use crate::domain::facts::Standing;
use crate::domain::risk::{Grade, SignalSet};
use crate::domain::sessions::Sessions;
use crate::domain::stage::Stage;
use crate::domain::user::User;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable,
    QueryFilter, QueryOrder, QuerySelect, TryInsertResult,
};

/// The users with these ids that exist, ordered by id.
pub async fn find(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<User>> {
    load(conn, ids, false).await
}

/// One user.
pub async fn get(conn: &impl ConnectionTrait, user_id: &str) -> Result<Option<User>> {
    Ok(Entity::find_by_id(user_id).one(conn).await?.map(User::from))
}

/// The same, locked until the transaction ends. `ids` in any order.
pub async fn lock(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<User>> {
    load(conn, ids, true).await
}

async fn load(conn: &impl ConnectionTrait, ids: &[String], locked: bool) -> Result<Vec<User>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut users = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(MAX_LISTED) {
        let mut query = Entity::find()
            .filter(one_of(conn, Column::UserId, chunk.to_vec()))
            .order_by_asc(Column::UserId);
        if locked {
            query = query.lock_exclusive();
        }
        users.extend(query.all(conn).await?.into_iter().map(User::from));
    }
    Ok(users)
}

/// Creates those of the users that do not exist and returns the ids of the ones created. A
/// concurrent transaction that creates the same user is waited for, not failed on.
pub async fn create(
    conn: &impl ConnectionTrait,
    calendar: Calendar,
    users: &[User],
) -> Result<Vec<String>> {
    let mut created = Vec::new();
    for chunk in users.chunks(CHUNK) {
        let inserted = Entity::insert_many(chunk.iter().map(|user| row(user, calendar)))
            .on_conflict_do_nothing_on([Column::UserId])
            .exec_with_returning_keys(conn)
            .await?;
        if let TryInsertResult::Inserted(keys) = inserted {
            created.extend(keys);
        }
    }
    Ok(created)
}

/// Writes users back, all columns, in one statement.
pub async fn save(conn: &impl ConnectionTrait, calendar: Calendar, users: &[User]) -> Result<()> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::UserId));
    let replace = OnConflict::column(Column::UserId).update_columns(columns).to_owned();
    for chunk in users.chunks(CHUNK) {
        Entity::insert_many(chunk.iter().map(|user| row(user, calendar)))
            .on_conflict(replace.clone())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// Ids of users whose verdict may have changed by `now`, those waiting longest first.
pub async fn due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>> {
    let ids = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::NextChangeTime.lte(now))
        .order_by_asc(Column::NextChangeTime)
        .order_by_asc(Column::UserId)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(ids)
}

/// Since when they wait, longest first.
pub async fn due_times(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<DateTime<Utc>>> {
    Ok(Entity::find()
        .select_only()
        .column(Column::NextChangeTime)
        .filter(Column::NextChangeTime.lte(now))
        .order_by_asc(Column::NextChangeTime)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?)
}

/// What a list of profiles may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Keyed hash of the e-mail address.
    pub email_hash: Option<Vec<u8>>,
    /// Keyed hash of the phone number.
    pub phone_hash: Option<Vec<u8>>,
    /// Equal to the profile's.
    pub industry: Option<String>,
    /// Equal to the profile's.
    pub acquisition_channel: Option<String>,
}

/// Users that are not erased and pass the filter, after an id, ordered by id.
pub async fn page(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<User>> {
    let mut query = Entity::find().filter(Column::Erased.eq(false));
    if let Some(after) = after {
        query = query.filter(Column::UserId.gt(after));
    }
    if let Some(industry) = &filter.industry {
        query = query.filter(Column::Industry.eq(industry));
    }
    let in_profile = [
        filter.email_hash.as_ref().map(|hash| profile::Column::EmailHash.eq(hash.clone())),
        filter.phone_hash.as_ref().map(|hash| profile::Column::PhoneHash.eq(hash.clone())),
        filter.acquisition_channel.as_ref().map(|c| profile::Column::AcquisitionChannel.eq(c)),
    ];
    for condition in in_profile.into_iter().flatten() {
        let matching = Query::select()
            .column(profile::Column::UserId)
            .from(profile::Entity)
            .and_where(condition)
            .to_owned();
        query = query.filter(Column::UserId.in_subquery(matching));
    }
    let rows = query.order_by_asc(Column::UserId).limit(limit).all(conn).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Users of a grade after an id, ordered by id.
pub async fn graded(
    conn: &impl ConnectionTrait,
    grade: Grade,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<User>> {
    let mut query =
        Entity::find().filter(Column::Erased.eq(false)).filter(Column::Grade.eq(grade as i16));
    if let Some(after) = after {
        query = query.filter(Column::UserId.gt(after));
    }
    let rows = query.order_by_asc(Column::UserId).limit(limit).all(conn).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// All users, tombstones too, after an id, ordered by id.
pub async fn every(
    conn: &impl ConnectionTrait,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<User>> {
    let after = after.unwrap_or_default();
    let query = Entity::find().filter(Column::UserId.gt(after)).order_by_asc(Column::UserId);
    Ok(query.limit(limit).all(conn).await?.into_iter().map(User::from).collect())
}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self {
            user_id: row.user_id,
            standing: Standing {
                create_time: row.create_time,
                given_register_time: row.given_register_time,
                first_time: row.first_time,
                last_own_time: row.last_own_time,
                last_negative_time: row.last_negative_time,
                last_positive_time: row.last_positive_time,
                purchases: row.purchases,
                uses: row.uses,
                feedbacks: row.feedbacks,
                referrals: row.referrals,
                sessions: Sessions::from_bytes(&row.sessions),
                open_complaints: row.open_complaints,
                industry: row.industry,
                influencer: row.influencer,
            },
            erase_time: row.erase_time,
            erased: row.erased,
            grade: Grade::from_code(row.grade.into()).unwrap_or(Grade::None),
            signals: SignalSet(row.signals),
            stage: Stage::from_code(row.stage.into()).unwrap_or(Stage::Reach),
            next_change_time: row.next_change_time,
        }
    }
}

fn row(user: &User, calendar: Calendar) -> ActiveModel {
    let standing = &user.standing;
    Model {
        user_id: user.user_id.clone(),
        create_time: standing.create_time,
        given_register_time: standing.given_register_time,
        first_time: standing.first_time,
        register_day: calendar.day_of(standing.register_time()),
        last_own_time: standing.last_own_time,
        last_negative_time: standing.last_negative_time,
        last_positive_time: standing.last_positive_time,
        purchases: standing.purchases,
        uses: standing.uses,
        feedbacks: standing.feedbacks,
        referrals: standing.referrals,
        sessions: standing.sessions.to_bytes(),
        open_complaints: standing.open_complaints,
        industry: standing.industry.clone(),
        influencer: standing.influencer,
        erase_time: user.erase_time,
        erased: user.erased,
        grade: user.grade as i16,
        signals: user.signals.0,
        stage: user.stage as i16,
        next_change_time: user.next_change_time,
    }
    .into_active_model()
    .reset_all()
}
