//! Complaints known from feedback's log.

use super::rows::complaint::{Column, Entity, Model};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect,
};
use std::collections::HashMap;

/// Notes whether a complaint is open.
pub async fn save(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    user_id: &str,
    ticket_id: &str,
    open: bool,
) -> Result<()> {
    let row = Model {
        ticket_id: ticket_id.to_owned(),
        user_id: user_id.to_owned(),
        open,
        update_time: now,
    };
    let replace = OnConflict::column(Column::TicketId)
        .update_columns([Column::UserId, Column::Open, Column::UpdateTime])
        .to_owned();
    let insert = Entity::insert(row.into_active_model().reset_all()).on_conflict(replace);
    insert.exec_without_returning(conn).await?;
    Ok(())
}

/// Whether the ticket is known as a complaint of the user.
pub async fn known(conn: &impl ConnectionTrait, user_id: &str, ticket_id: &str) -> Result<bool> {
    let row = Entity::find_by_id(ticket_id).one(conn).await?;
    Ok(row.is_some_and(|row| row.user_id == user_id))
}

/// How many complaints of a user are open.
pub async fn open(conn: &impl ConnectionTrait, user_id: &str) -> Result<i64> {
    let query = Entity::find().filter(Column::UserId.eq(user_id)).filter(Column::Open.eq(true));
    Ok(i64::try_from(query.count(conn).await?).unwrap_or(i64::MAX))
}

/// The same for many users; one without has no entry.
pub async fn open_of(
    conn: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, i64>> {
    let mut counts = HashMap::new();
    for chunk in users.chunks(MAX_LISTED) {
        let counted: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::UserId)
            .column_as(Column::TicketId.count(), "complaints")
            .filter(one_of(conn, Column::UserId, chunk.to_vec()))
            .filter(Column::Open.eq(true))
            .group_by(Column::UserId)
            .into_tuple()
            .all(conn)
            .await?;
        counts.extend(counted);
    }
    Ok(counts)
}

/// Forgets a user's complaints.
pub async fn delete(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(())
}
