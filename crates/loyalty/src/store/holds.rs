//! Holds, with the lots they reserve.

use super::rows::holds::{ActiveModel, Column, Entity, Model};
use super::{damaged, entries, rows_of};
use crate::domain::{EntryId, Hold, HoldId, HoldState, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

fn open() -> Expr {
    Expr::cust("state = 1")
}

/// One hold.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: HoldId) -> Result<Option<Hold>> {
    Ok(by_id(conn, [id]).await?.pop())
}

/// These holds.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = HoldId>,
) -> Result<Vec<Hold>> {
    let ids: Vec<Uuid> = ids.into_iter().map(HoldId::uuid).collect();
    with_parts(conn, rows_of(conn, Entity::find(), Column::Id, &ids).await?).await
}

/// The open holds of these members whose time has run out.
pub(crate) async fn due_of(
    conn: &impl ConnectionTrait,
    users: &[String],
    now: Time,
) -> Result<Vec<Hold>> {
    let due = Entity::find().filter(open()).filter(Column::Deadline.lte(now));
    with_parts(conn, rows_of(conn, due, Column::UserId, users).await?).await
}

/// Members with open holds whose time has run out: at most `limit` holds'.
pub(crate) async fn users_with_due(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<String>> {
    let users = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(open())
        .filter(Column::Deadline.lte(now))
        .order_by_asc(Column::Deadline)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(users)
}

/// Writes new and changed holds. What they reserve is written with their entries.
pub(crate) async fn save(conn: &impl ConnectionTrait, holds: Vec<Hold>) -> Result<()> {
    write(conn, holds.into_iter().map(into_row).collect(), Known::Replace(Column::Id)).await
}

async fn with_parts(conn: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Hold>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let placed = entries::by_id(conn, rows.iter().map(|row| EntryId::from(row.id))).await?;
    let mut parts: std::collections::HashMap<_, _> =
        placed.into_iter().map(|entry| (entry.id.uuid(), entry.allocations)).collect();
    rows.into_iter()
        .map(|row| {
            let parts = parts.remove(&row.id).ok_or_else(|| damaged("holds", row.id))?;
            let state = HoldState::from_number(row.state);
            Ok(Hold {
                id: HoldId::from(row.id),
                user: row.user_id,
                points: row.points,
                deadline: row.deadline,
                state: state.ok_or_else(|| damaged("holds", row.state))?,
                parts,
                resolved_by: row.resolved_by.map(EntryId::from),
            })
        })
        .collect()
}

fn into_row(hold: Hold) -> ActiveModel {
    Model {
        id: hold.id.uuid(),
        user_id: hold.user,
        points: hold.points,
        deadline: hold.deadline,
        state: hold.state.number(),
        resolved_by: hold.resolved_by.map(EntryId::uuid),
    }
    .into_active_model()
}
