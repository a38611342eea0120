//! Rewards that were given.

use super::damaged;
use super::rows::grants::{Column, Entity, Model};
use crate::domain::{Grant, GrantId, Time};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// These grants, those of them that exist.
pub(crate) async fn by_id(conn: &impl ConnectionTrait, ids: &[GrantId]) -> Result<Vec<Grant>> {
    let ids = ids.iter().map(|id| id.uuid());
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// What a member was given for one cause, in the order of the ids.
pub(crate) async fn for_cause(
    conn: &impl ConnectionTrait,
    user: &str,
    cause: &str,
    cause_id: &str,
) -> Result<Vec<Grant>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Cause.eq(cause))
        .filter(Column::CauseId.eq(cause_id))
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// What a member was given for causes of one kind, the earliest first.
pub(crate) async fn of_kind(
    conn: &impl ConnectionTrait,
    user: &str,
    cause: &str,
) -> Result<Vec<Grant>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Cause.eq(cause))
        .order_by_asc(Column::GrantedAt)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// A page of all grants for causes of one kind by id, after the one given.
pub(crate) async fn page_of_kind(
    conn: &impl ConnectionTrait,
    cause: &str,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Grant>> {
    let query = Entity::find().filter(Column::Cause.eq(cause)).filter(Column::Id.gt(after));
    let rows = query.order_by_asc(Column::Id).limit(limit).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// How many members were given something for one cause.
pub(crate) async fn users_of(
    conn: &impl ConnectionTrait,
    cause: &str,
    cause_id: &str,
) -> Result<u64> {
    let users: Vec<String> = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::Cause.eq(cause))
        .filter(Column::CauseId.eq(cause_id))
        .distinct()
        .into_tuple()
        .all(conn)
        .await?;
    Ok(users.len() as u64)
}

/// After which grant a page goes on.
pub(crate) type GrantCursor = (Time, Uuid);

/// A page of what a member was given since an instant, newest first.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    since: Time,
    after: Option<GrantCursor>,
    limit: u64,
) -> Result<Vec<Grant>> {
    let mut query =
        Entity::find().filter(Column::UserId.eq(user)).filter(Column::GrantedAt.gte(since));
    if let Some((at, id)) = after {
        let same = Condition::all().add(Column::GrantedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::GrantedAt.lt(at)).add(same));
    }
    let query = query.order_by_desc(Column::GrantedAt).order_by_desc(Column::Id).limit(limit);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// Keeps new grants.
pub(crate) async fn add(conn: &impl ConnectionTrait, grants: &[Grant]) -> Result<()> {
    let rows = grants.iter().map(into_row).collect::<Result<Vec<Model>>>()?;
    write(conn, rows.into_iter().map(Model::into_active_model).collect(), Known::Refuse).await
}

/// Marks grants as taken back.
pub(crate) async fn revoke(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = GrantId>,
    now: Time,
) -> Result<()> {
    let ids: Vec<Uuid> = ids.into_iter().map(GrantId::uuid).collect();
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::Id.is_in(ids))
        .filter(Column::RevokedAt.is_null())
        .exec(conn)
        .await?;
    Ok(())
}

fn from_row(row: Model) -> Result<Grant> {
    let reward = serde_json::from_str(&row.reward);
    Ok(Grant {
        id: GrantId::from(row.id),
        user: row.user_id,
        reward: reward.map_err(|error| damaged("grants", error))?,
        cause: row.cause,
        cause_id: row.cause_id,
        rule_version: row.rule_version,
        granted_at: row.granted_at,
        revoked_at: row.revoked_at,
    })
}

fn into_row(grant: &Grant) -> Result<Model> {
    Ok(Model {
        id: grant.id.uuid(),
        user_id: grant.user.clone(),
        reward: serde_json::to_string(&grant.reward).map_err(Error::internal)?,
        cause: grant.cause.clone(),
        cause_id: grant.cause_id.clone(),
        rule_version: grant.rule_version.clone(),
        granted_at: grant.granted_at,
        revoked_at: grant.revoked_at,
    })
}
