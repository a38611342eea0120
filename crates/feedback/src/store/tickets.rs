//! Tickets: loaded as the fold of their events, saved as events and fold together.

use super::rows::{ticket_events, tickets};
use super::{ROWS_PER_INSERT, changes, clocks, decode, listed, plans};
use crate::domain::kinds::{Category, Channel, Coded};
use crate::domain::ticket::{Change, Event, Ticket};
use crate::ids::{FeedbackId, TicketId};
use chrono::{DateTime, Utc};
use perennial_platform::error::{Error, Result};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::{BTreeSet, HashMap};
use tickets::{Column, Entity, Model};
use uuid::Uuid;

/// A ticket with what it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: TicketId,
    pub(crate) feedback_id: FeedbackId,
    pub(crate) user_id: String,
    pub(crate) channel: Channel,
    pub(crate) category: Category,
    pub(crate) paying_override: Option<bool>,
    pub(crate) follow_up_of: Option<TicketId>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) ticket: Ticket,
    /// Who does what happens now; kept with the events.
    pub(crate) actor: Option<String>,
    /// Events that are on disk already.
    saved: usize,
    /// Reopenings that are on disk already.
    reopens_saved: i32,
}

impl Record {
    /// A ticket that is not on disk yet.
    pub(crate) fn new(
        id: TicketId,
        feedback_id: FeedbackId,
        user_id: String,
        about: (Channel, Category),
        ticket: Ticket,
    ) -> Self {
        let (channel, category) = about;
        let updated = ticket.opened();
        Self {
            id,
            feedback_id,
            user_id,
            channel,
            category,
            paying_override: None,
            follow_up_of: None,
            updated,
            ticket,
            actor: None,
            saved: 0,
            reopens_saved: 0,
        }
    }

    /// What happened since it was loaded.
    pub(crate) fn news(&self) -> &[Event] {
        &self.ticket.events[self.saved..]
    }

    /// The customer opened it again since it was loaded.
    pub(crate) fn reopened(&self) -> bool {
        self.ticket.reopen_count > self.reopens_saved
    }

    fn row(&self) -> Model {
        let ticket = &self.ticket;
        Model {
            id: self.id.uuid(),
            feedback_id: self.feedback_id.uuid(),
            user_id: self.user_id.clone(),
            channel: self.channel.code(),
            category: self.category.code(),
            state: ticket.state.code(),
            paying: ticket.plan.paying,
            paying_override: self.paying_override,
            assignee: ticket.assignee.clone(),
            reopen_count: ticket.reopen_count,
            follow_up_of: self.follow_up_of.map(TicketId::uuid),
            version: count(ticket.events.len()),
            created_at: ticket.opened(),
            updated_at: self.updated,
            solved_at: ticket.solved,
            closed_at: ticket.closed,
        }
    }
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Writes new tickets.
pub(crate) async fn insert(db: &impl ConnectionTrait, records: &[Record]) -> Result<()> {
    write_events(db, records).await?;
    for chunk in records.chunks(ROWS_PER_INSERT) {
        let rows = chunk.iter().map(|record| record.row().into_active_model());
        Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    clocks::write(db, records).await
}

/// Writes what happened to tickets since they were loaded. Errors: ABORTED / CONFLICT when
/// somebody else changed one of them meanwhile.
pub(crate) async fn save(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    records: &mut [Record],
) -> Result<()> {
    write_events(db, records).await?;
    for record in records.iter_mut().filter(|record| !record.news().is_empty()) {
        record.updated = now;
        let version = count(record.saved);
        let written = Entity::update_many()
            .set(record.row().into_active_model().reset_all())
            .filter(Column::Id.eq(record.id.uuid()))
            .filter(Column::Version.eq(version))
            .exec(db)
            .await?;
        if written.rows_affected != 1 {
            return Err(Error::aborted("CONFLICT", "the ticket was changed meanwhile, try again"));
        }
    }
    clocks::write(db, records).await?;
    for record in records {
        record.saved = record.ticket.events.len();
        record.reopens_saved = record.ticket.reopen_count;
    }
    Ok(())
}

async fn write_events(db: &impl ConnectionTrait, records: &[Record]) -> Result<()> {
    let news = records.iter().flat_map(Record::news);
    let plans = news.filter_map(|event| match &event.change {
        Change::Opened(plan) | Change::PlanApplied(plan) => Some(plan.as_ref()),
        _ => None,
    });
    plans::keep(db, plans).await?;
    let mut rows = Vec::new();
    for record in records {
        for (index, event) in record.ticket.events.iter().enumerate().skip(record.saved) {
            let actor = record.actor.as_deref();
            rows.push(changes::row(record.id.uuid(), count(index + 1), event, actor)?);
        }
    }
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
        ticket_events::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Loads tickets for a change: their rows stay locked until the transaction ends. In id order.
pub(crate) async fn lock(db: &impl ConnectionTrait, ids: &[TicketId]) -> Result<Vec<Record>> {
    let query = Entity::find().order_by_asc(Column::Id).lock_exclusive();
    records(db, listed(db, query, Column::Id, sorted(ids)).await?).await
}

/// Loads tickets to look at, in id order.
pub(crate) async fn load(db: &impl ConnectionTrait, ids: &[TicketId]) -> Result<Vec<Record>> {
    let query = Entity::find().order_by_asc(Column::Id);
    records(db, listed(db, query, Column::Id, sorted(ids)).await?).await
}

fn sorted(ids: &[TicketId]) -> Vec<Uuid> {
    let ids: BTreeSet<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    ids.into_iter().collect()
}

/// Loads one ticket to look at.
pub(crate) async fn find(db: &impl ConnectionTrait, id: TicketId) -> Result<Option<Record>> {
    Ok(load(db, &[id]).await?.pop())
}

/// Builds tickets from their rows: events and plans of all of them in a query each.
async fn records(db: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Record>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let events = ticket_events::Entity::find().order_by_asc(ticket_events::Column::Seq);
    let events = listed(db, events, ticket_events::Column::TicketId, ids).await?;
    let plans = plans::load(db, events.iter().filter_map(|event| event.plan_id)).await?;
    let mut histories: HashMap<Uuid, Vec<Event>> = HashMap::new();
    for row in events {
        histories.entry(row.ticket_id).or_default().push(changes::event(row, &plans)?);
    }
    rows.into_iter()
        .map(|row| {
            let events = histories.remove(&row.id).unwrap_or_default();
            // A ticket is as long as its row says: a concurrent reader may see newer events.
            let events = events.into_iter().take(usize::try_from(row.version).unwrap_or(0));
            record(row, events)
        })
        .collect()
}

fn record(row: Model, events: impl IntoIterator<Item = Event>) -> Result<Record> {
    let ticket = Ticket::replay(events)
        .ok_or_else(|| Error::internal(format!("ticket {} has no beginning", row.id)))?;
    Ok(Record {
        id: row.id.into(),
        feedback_id: row.feedback_id.into(),
        user_id: row.user_id,
        channel: decode(row.channel)?,
        category: decode(row.category)?,
        paying_override: row.paying_override,
        follow_up_of: row.follow_up_of.map(TicketId::from),
        updated: row.updated_at,
        saved: ticket.events.len(),
        reopens_saved: ticket.reopen_count,
        actor: None,
        ticket,
    })
}

/// Where the kept fold of tickets differs from what their events say, in words.
pub(crate) async fn differences(
    db: &impl ConnectionTrait,
    records: &[Record],
) -> Result<Vec<String>> {
    use ticket_events::Column as Events;
    let ids: Vec<Uuid> = records.iter().map(|record| record.id.uuid()).collect();
    let kept = Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let kept: HashMap<_, _> = kept.into_iter().map(|row| (row.id, row)).collect();
    let events: Vec<(Uuid, i32)> = ticket_events::Entity::find()
        .filter(Events::TicketId.is_in(ids))
        .select_only()
        .column(Events::TicketId)
        .column_as(Events::Seq.max(), "last")
        .group_by(Events::TicketId)
        .into_tuple()
        .all(db)
        .await?;
    let events: HashMap<_, _> = events.into_iter().collect();
    let clocks = clocks::of(db, records).await?;
    let mut found = Vec::new();
    for record in records {
        let id = record.id;
        if kept.get(&id.uuid()) != Some(&record.row()) {
            found.push(format!("{id}: its row is not what its events say"));
        }
        if events.get(&id.uuid()) != Some(&count(record.ticket.events.len())) {
            found.push(format!("{id}: it has events beyond its version"));
        }
        if !clocks::agree(&clocks, record)? {
            found.push(format!("{id}: its clocks are not what its events say"));
        }
    }
    Ok(found)
}
