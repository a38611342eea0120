//! Stretches of time in which features are open.

use super::damaged;
use super::rows::benefits::unlocks::{Column, Entity, Model};
use crate::domain::reward::Span;
use crate::domain::{GrantId, Time, Unlock};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// What a grant opened.
pub(crate) async fn find(conn: &impl ConnectionTrait, grant: GrantId) -> Result<Option<Unlock>> {
    Entity::find_by_id(grant.uuid()).one(conn).await?.map(from_row).transpose()
}

/// A member's stretches of one feature.
pub(crate) async fn of_feature(
    conn: &impl ConnectionTrait,
    user: &str,
    feature: &str,
) -> Result<Vec<Unlock>> {
    let query = Entity::find().filter(Column::UserId.eq(user)).filter(Column::Feature.eq(feature));
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A member's stretches that have not ended.
pub(crate) async fn open_of(
    conn: &impl ConnectionTrait,
    user: &str,
    now: Time,
) -> Result<Vec<Unlock>> {
    let ahead = Cond::any().add(Column::UntilAt.is_null()).add(Column::UntilAt.gt(now));
    let query = Entity::find().filter(Column::UserId.eq(user)).filter(ahead);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A member's stretches, the latest given first, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Unlock>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some((at, id)) = before {
        let same = Cond::all().add(Column::GrantedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Cond::any().add(Column::GrantedAt.lt(at)).add(same));
    }
    let rows = query
        .order_by_desc(Column::GrantedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Writes stretches.
pub(crate) async fn save(conn: &impl ConnectionTrait, unlocks: &[Unlock]) -> Result<()> {
    let rows = unlocks.iter().map(|one| into_row(one).into_active_model()).collect();
    write(conn, rows, Known::Replace(Column::Id)).await
}

fn from_row(row: Model) -> Result<Unlock> {
    let count = |n: i32| u32::try_from(n).map_err(|error| damaged("unlocks", error));
    Ok(Unlock {
        grant: GrantId::from(row.id),
        user: row.user_id,
        feature: row.feature,
        span: Span { months: count(row.months)?, days: count(row.days)? },
        granted_at: row.granted_at,
        from: row.from_at,
        until: row.until_at,
        revoked_at: row.revoked_at,
    })
}

fn into_row(one: &Unlock) -> Model {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    Model {
        id: one.grant.uuid(),
        user_id: one.user.clone(),
        feature: one.feature.clone(),
        months: count(one.span.months),
        days: count(one.span.days),
        granted_at: one.granted_at,
        from_at: one.from,
        until_at: one.until,
        revoked_at: one.revoked_at,
    }
}
