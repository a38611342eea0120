//! Who was told that worse rules will come.

use super::rows::members;
use super::rows::rules::notices::{Column, Entity, Model};
use super::rows::rules::versions;
use crate::domain::Time;
use crate::domain::rules::RuleState;
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// A member was told of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) version: String,
    pub(crate) told_at: Time,
    /// From when on the rules were said to hold.
    pub(crate) effective_at: Time,
}

/// Existing members who were not told of a version yet.
pub(crate) async fn missing(
    conn: &impl ConnectionTrait,
    version: &str,
    announced_at: Time,
    limit: u64,
) -> Result<Vec<String>> {
    // Members are told in the order of their ids, so those after the last come first; whoever was
    // left out is looked for at the end.
    let last = last(conn, version).await?;
    let ahead = existing(announced_at, limit).filter(members::Column::UserId.gt(last));
    let users: Vec<String> = ahead.into_tuple().all(conn).await?;
    if !users.is_empty() {
        return Ok(users);
    }
    let told = Query::select()
        .column(Column::UserId)
        .from(Entity)
        .and_where(Column::Version.eq(version))
        .to_owned();
    let left = existing(announced_at, limit).filter(members::Column::UserId.not_in_subquery(told));
    Ok(left.into_tuple().all(conn).await?)
}

fn existing(announced_at: Time, limit: u64) -> sea_orm::Select<members::Entity> {
    use members::Column as C;
    members::Entity::find()
        .select_only()
        .column(C::UserId)
        .filter(C::ClosedAt.is_null())
        .filter(C::JoinedAt.lt(announced_at))
        .order_by_asc(C::UserId)
        .limit(limit)
}

async fn last(conn: &impl ConnectionTrait, version: &str) -> Result<String> {
    let last: Option<String> = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::Version.eq(version))
        .order_by_desc(Column::UserId)
        .limit(1)
        .into_tuple()
        .one(conn)
        .await?;
    Ok(last.unwrap_or_default())
}

/// Notes that members were told.
pub(crate) async fn add(
    conn: &impl ConnectionTrait,
    notice: &Notice,
    users: &[String],
) -> Result<()> {
    let row = |user: &String| {
        Model {
            version: notice.version.clone(),
            user_id: user.clone(),
            told_at: notice.told_at,
            effective_at: notice.effective_at,
        }
        .into_active_model()
    };
    write(conn, users.iter().map(row).collect(), Known::Refuse).await
}

/// How many members were told of a version.
pub(crate) async fn count(conn: &impl ConnectionTrait, version: &str) -> Result<i64> {
    let query = Entity::find().filter(Column::Version.eq(version));
    i64::try_from(query.count(conn).await?).map_err(Error::internal)
}

/// The latest date that members were told of a version.
pub(crate) async fn latest_promise(
    conn: &impl ConnectionTrait,
    version: &str,
) -> Result<Option<Time>> {
    let query = Entity::find().filter(Column::Version.eq(version));
    let row = query.order_by_desc(Column::EffectiveAt).one(conn).await?;
    Ok(row.map(|row| row.effective_at))
}

/// What a member was told, in the order of telling.
pub(crate) async fn of(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Notice>> {
    let query = Entity::find().filter(Column::UserId.eq(user)).order_by_asc(Column::ToldAt);
    let read = |row: Model| Notice {
        version: row.version,
        told_at: row.told_at,
        effective_at: row.effective_at,
    };
    Ok(query.all(conn).await?.into_iter().map(read).collect())
}

/// A version that was withdrawn, of which members were told who do not know that.
pub(crate) async fn withdrawn(conn: &impl ConnectionTrait) -> Result<Option<String>> {
    let gone = Query::select()
        .column(versions::Column::Version)
        .from(versions::Entity)
        .and_where(versions::Column::State.eq(RuleState::Withdrawn.number()))
        .to_owned();
    let query = Entity::find().select_only().column(Column::Version);
    let query = query.filter(Column::Version.in_subquery(gone)).limit(1);
    Ok(query.into_tuple().one(conn).await?)
}

/// Drops some notices of a version; answers whose they were, and which date they named.
pub(crate) async fn take(
    conn: &impl ConnectionTrait,
    version: &str,
    limit: u64,
) -> Result<Vec<(String, Time)>> {
    let of_version = Column::Version.eq(version);
    let taken: Vec<(String, Time)> = Entity::find()
        .select_only()
        .columns([Column::UserId, Column::EffectiveAt])
        .filter(of_version.clone())
        .order_by_asc(Column::UserId)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    // In the order of their ids, so the last is the end of a range.
    if let Some((last, _)) = taken.last() {
        let upto = Column::UserId.lte(last);
        Entity::delete_many().filter(of_version).filter(upto).exec(conn).await?;
    }
    Ok(taken)
}

/// Drops what an erased person was told.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(conn).await?;
    Ok(())
}
