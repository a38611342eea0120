//! Activities: recorded once, listed by user.

use super::CHUNK;
use super::rows::activity::{Column, Entity, Model};
use crate::domain::activity::{Activity, Kind, Recorded};
use crate::domain::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use perennial_platform::{Error, Result};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

/// Those of these activities that are recorded already.
pub async fn find(conn: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Recorded>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(MAX_LISTED) {
        let query = Entity::find().filter(one_of(conn, Column::Id, chunk.to_vec()));
        for row in query.all(conn).await? {
            found.push(Recorded::try_from(row)?);
        }
    }
    Ok(found)
}

/// Records activities. Errors: ABORTED when a concurrent transaction recorded one of them.
pub async fn insert(conn: &impl ConnectionTrait, recorded: &[Recorded]) -> Result<()> {
    for chunk in recorded.chunks(CHUNK) {
        let rows = chunk.iter().map(|one| Model::from(one).into_active_model().reset_all());
        Entity::insert_many(rows).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// What a list of activities asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Whose.
    pub user_id: String,
    /// From this moment on.
    pub start: Option<DateTime<Utc>>,
    /// Before this moment.
    pub end: Option<DateTime<Utc>>,
    /// Only these; empty: all.
    pub kinds: Vec<Kind>,
}

/// Activities of a user, latest first, after the one with this time and id.
pub async fn page(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<Recorded>> {
    let mut query = Entity::find().filter(Column::UserId.eq(&filter.user_id));
    if let Some(start) = filter.start {
        query = query.filter(Column::OccurTime.gte(start));
    }
    if let Some(end) = filter.end {
        query = query.filter(Column::OccurTime.lt(end));
    }
    if !filter.kinds.is_empty() {
        query = query.filter(Column::Kind.is_in(filter.kinds.iter().map(|kind| kind.code())));
    }
    if let Some((time, id)) = after {
        let same_time = Condition::all().add(Column::OccurTime.eq(time)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::OccurTime.lt(time)).add(same_time));
    }
    query = query.order_by_desc(Column::OccurTime).order_by_desc(Column::Id).limit(limit);
    query.all(conn).await?.into_iter().map(Recorded::try_from).collect()
}

/// Every activity of these users, in no order.
pub async fn of_users(conn: &impl ConnectionTrait, users: &[String]) -> Result<Vec<Recorded>> {
    let mut found = Vec::new();
    for chunk in users.chunks(MAX_LISTED) {
        let query = Entity::find().filter(one_of(conn, Column::UserId, chunk.to_vec()));
        for row in query.all(conn).await? {
            found.push(Recorded::try_from(row)?);
        }
    }
    Ok(found)
}

/// Deletes a user's activities and returns their number.
pub async fn delete(conn: &impl ConnectionTrait, user_id: &str) -> Result<u64> {
    let deleted = Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(deleted.rows_affected)
}

impl TryFrom<Model> for Recorded {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let broken = |what: &str| Error::internal(format!("activity {} has a bad {what}", row.id));
        let currency = row.currency.as_deref().map(str::parse).transpose();
        let amount = currency
            .map_err(|_| broken("currency"))?
            .zip(row.minor_units)
            .map(|(currency, minor_units)| Money { currency, minor_units });
        let kind = Kind::from_code(row.kind.into()).ok_or_else(|| broken("kind"))?;
        let activity = Activity {
            user_id: row.user_id,
            kind,
            occur_time: row.occur_time,
            source: row.source,
            source_event_id: row.source_event_id,
            amount,
            object: row.object,
            duration: row.duration_millis.map(TimeDelta::milliseconds),
        };
        Ok(Self { id: row.id, activity, record_time: row.record_time })
    }
}

impl From<&Recorded> for Model {
    fn from(recorded: &Recorded) -> Self {
        let activity = &recorded.activity;
        Self {
            id: recorded.id,
            user_id: activity.user_id.clone(),
            kind: activity.kind.code(),
            occur_time: activity.occur_time,
            record_time: recorded.record_time,
            source: activity.source.clone(),
            source_event_id: activity.source_event_id.clone(),
            object: activity.object.clone(),
            duration_millis: activity.duration.map(|duration| duration.num_milliseconds()),
            currency: activity.amount.map(|money| money.currency.to_string()),
            minor_units: activity.amount.map(|money| money.minor_units),
        }
    }
}
