//! Which tickets: identifiers by what is asked for.

use super::clocks;
use super::rows::tickets::{Column, Entity};
use crate::domain::kinds::{Category, Channel, Coded, TicketState};
use crate::ids::{FeedbackId, TicketId};
use chrono::{DateTime, Utc};
use perennial_platform::error::Result;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The ticket of each of these pieces of feedback.
pub(crate) async fn of_feedback(
    db: &impl ConnectionTrait,
    feedback: &[FeedbackId],
) -> Result<HashMap<FeedbackId, TicketId>> {
    if feedback.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = feedback.iter().map(|id| id.uuid());
    let rows: Vec<(Uuid, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::FeedbackId, Column::Id])
        .filter(Column::FeedbackId.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(feedback, ticket)| (feedback.into(), ticket.into())).collect())
}

/// The user of each of these tickets.
pub(crate) async fn owners(
    db: &impl ConnectionTrait,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId])
        .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(id, user)| (id.into(), user)).collect())
}

/// What a list of tickets is narrowed to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    pub(crate) user_id: Option<String>,
    pub(crate) states: Vec<TicketState>,
    pub(crate) channel: Option<Channel>,
    pub(crate) category: Option<Category>,
    pub(crate) assignee: Option<String>,
    /// Only with a promise that is overdue at this instant.
    pub(crate) overdue_at: Option<DateTime<Utc>>,
}

/// The next identifiers of a list, newest first, after the one given.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<TicketId>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let condition = Condition::all()
        .add_option(filter.user_id.as_ref().map(|user| Column::UserId.eq(user)))
        .add_option(filter.channel.map(|channel| Column::Channel.eq(channel.code())))
        .add_option(filter.category.map(|category| Column::Category.eq(category.code())))
        .add_option(filter.assignee.as_ref().map(|assignee| Column::Assignee.eq(assignee)))
        .add_option(filter.overdue_at.map(|now| Column::Id.in_subquery(clocks::overdue(now))))
        .add_option(
            (!filter.states.is_empty())
                .then(|| Column::State.is_in(filter.states.iter().map(|state| state.code()))),
        )
        .add_option(after.map(|id| Column::Id.lt(id.uuid())));
    let query = Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit);
    ids(db, query).await
}

/// All tickets in order, from the first one after the identifier given.
pub(crate) async fn scan(
    db: &impl ConnectionTrait,
    after: Option<TicketId>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let after = Condition::all().add_option(after.map(|id| Column::Id.gt(id.uuid())));
    ids(db, Entity::find().filter(after).order_by_asc(Column::Id).limit(limit)).await
}

/// A customer's tickets that are not closed, in order, from the first after the identifier given.
pub(crate) async fn unclosed_of(
    db: &impl ConnectionTrait,
    user: &str,
    after: Option<TicketId>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let which = Condition::all()
        .add(Column::UserId.eq(user))
        .add(Column::State.ne(TicketState::Closed.code()))
        .add_option(after.map(|id| Column::Id.gt(id.uuid())));
    ids(db, Entity::find().filter(which).order_by_asc(Column::Id).limit(limit)).await
}

/// Tickets solved at or before an instant and not closed yet.
pub(crate) async fn solved_until(
    db: &impl ConnectionTrait,
    until: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let query = Entity::find()
        .filter(Column::State.eq(TicketState::Solved.code()))
        .filter(Column::SolvedAt.lte(until))
        .order_by_asc(Column::SolvedAt)
        .limit(limit);
    ids(db, query).await
}

async fn ids(db: &impl ConnectionTrait, query: sea_orm::Select<Entity>) -> Result<Vec<TicketId>> {
    let ids: Vec<Uuid> = query.select_only().column(Column::Id).into_tuple().all(db).await?;
    Ok(ids.into_iter().map(TicketId::from).collect())
}
