//! The conversations. Texts go in and out sealed.

use super::rows::messages::{Column, Entity, Model};
use crate::ids::{MessageId, TicketId};
use chrono::{DateTime, Utc};
use perennial_platform::error::Result;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
};

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// Code of the contract's AuthorKind: an author of ours or the customer.
    pub(crate) author: i16,
    pub(crate) author_id: Option<String>,
    pub(crate) internal: bool,
    /// Sealed text; none after an erasure.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) created: DateTime<Utc>,
}

/// Adds a message at the end of the conversation of a locked ticket.
pub(crate) async fn add(
    db: &impl ConnectionTrait,
    ticket: TicketId,
    user: &str,
    message: Message,
) -> Result<()> {
    let before = Entity::find().filter(Column::TicketId.eq(ticket.uuid())).count(db).await?;
    let row = Model {
        id: message.id.uuid(),
        ticket_id: ticket.uuid(),
        user_id: user.to_owned(),
        seq: i32::try_from(before + 1).unwrap_or(i32::MAX),
        author: message.author,
        author_id: message.author_id,
        internal: message.internal,
        body: message.body,
        created_at: message.created,
    };
    Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// The conversation of a ticket, oldest first.
pub(crate) async fn of(db: &impl ConnectionTrait, ticket: TicketId) -> Result<Vec<Message>> {
    let rows = Entity::find()
        .filter(Column::TicketId.eq(ticket.uuid()))
        .order_by_asc(Column::Seq)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Message {
            id: row.id.into(),
            author: row.author,
            author_id: row.author_id,
            internal: row.internal,
            body: row.body,
            created: row.created_at,
        })
        .collect())
}

/// Drops every text written to or about a user.
pub(crate) async fn erase(db: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Body, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Users of whom a text is kept, in order, after the one given.
pub(crate) async fn authors_of_texts(
    db: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<String>> {
    super::users_with(db, Entity::find(), Column::UserId, Column::Body, after, limit).await
}
