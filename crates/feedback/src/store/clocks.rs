//! Promises as rows: what is due, what is overdue, what to take up next.

use super::rows::{clocks, tickets};
use super::tickets::Record;
use super::{ROWS_PER_INSERT, plans};
use crate::domain::clock::{Clock, End};
use crate::domain::kinds::{ClockKind, Coded, PromiseState};
use crate::ids::TicketId;
use chrono::{DateTime, Utc};
use clocks::{Column, Entity, Model};
use perennial_platform::error::Result;
use sea_orm::sea_query::{OnConflict, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The rows that the clocks of a ticket have.
fn rows(record: &Record) -> Result<Vec<Model>> {
    let plan = plans::id_of(&record.ticket.plan)?;
    Ok(record.ticket.clocks.iter().map(|clock| row(record, plan, clock)).collect())
}

fn row(record: &Record, plan_id: Uuid, clock: &Clock) -> Model {
    let fulfilled_at = match clock.end {
        Some(End::Fulfilled(at)) => Some(at),
        _ => None,
    };
    let outcome = match clock.end {
        // Whether it is overdue meanwhile, readers see by the due time.
        None => PromiseState::Running,
        Some(End::Fulfilled(at) | End::Void(at)) => clock.state(at),
    };
    Model {
        ticket_id: record.id.uuid(),
        kind: clock.kind().code(),
        instance: clock.instance,
        channel: record.channel.code(),
        tier: record.ticket.plan.tier(),
        plan_id,
        outcome: outcome.code(),
        start_at: clock.start,
        due_at: clock.due(),
        fulfilled_at,
        elapsed_ms: fulfilled_at.map(|at| (at - clock.start).num_milliseconds()),
        warned: clock.warned,
        breached: clock.breached,
        alarm_at: clock.alarm(),
    }
}

/// Brings the rows of these tickets up to date.
pub(super) async fn write(db: &impl ConnectionTrait, records: &[Record]) -> Result<()> {
    let mut all = Vec::new();
    for record in records.iter().filter(|record| !record.news().is_empty()) {
        all.extend(rows(record)?);
    }
    let replace = OnConflict::columns([Column::TicketId, Column::Kind, Column::Instance])
        .update_columns([
            Column::Tier,
            Column::PlanId,
            Column::Outcome,
            Column::DueAt,
            Column::FulfilledAt,
            Column::ElapsedMs,
            Column::Warned,
            Column::Breached,
            Column::AlarmAt,
        ])
        .to_owned();
    for chunk in all.chunks(ROWS_PER_INSERT) {
        let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
        Entity::insert_many(rows).on_conflict(replace.clone()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The rows kept for these tickets.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    records: &[Record],
) -> Result<HashMap<Uuid, Vec<Model>>> {
    let ids = records.iter().map(|record| record.id.uuid());
    let rows = Entity::find().filter(Column::TicketId.is_in(ids)).all(db).await?;
    let mut kept: HashMap<_, Vec<Model>> = HashMap::new();
    for row in rows {
        kept.entry(row.ticket_id).or_default().push(row);
    }
    Ok(kept)
}

/// Whether the rows kept for a ticket are what its events say.
pub(super) fn agree(kept: &HashMap<Uuid, Vec<Model>>, record: &Record) -> Result<bool> {
    let mut kept = kept.get(&record.id.uuid()).cloned().unwrap_or_default();
    let mut right = rows(record)?;
    kept.sort_by_key(|row| (row.kind, row.instance));
    right.sort_by_key(|row| (row.kind, row.instance));
    Ok(kept == right)
}

/// Tickets of which something has to be told by now: by the due index, longest due first.
pub(crate) async fn alarmed(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let rows: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::TicketId)
        .filter(Column::AlarmAt.lte(now))
        .order_by_asc(Column::AlarmAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(distinct(rows))
}

/// Since when something has to be told of tickets, longest ago first.
pub(crate) async fn alarm_times(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<DateTime<Utc>>> {
    Ok(Entity::find()
        .select_only()
        .column(Column::AlarmAt)
        .filter(Column::AlarmAt.lte(now))
        .order_by_asc(Column::AlarmAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?)
}

/// Tickets that wait for the report on a week that ended before `until`.
pub(crate) async fn unreported(
    db: &impl ConnectionTrait,
    until: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let rows: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::TicketId)
        .filter(open_of(ClockKind::Report))
        .filter(Column::StartAt.lt(until))
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(distinct(rows))
}

fn open_of(kind: ClockKind) -> Condition {
    open().add(Column::Kind.eq(kind.code()))
}

fn open() -> Condition {
    Condition::all().add(Column::Outcome.eq(PromiseState::Running.code()))
}

fn distinct(mut ids: Vec<Uuid>) -> Vec<TicketId> {
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(TicketId::from).collect()
}

/// The tickets with a promise that is overdue at `now`, as a subquery.
pub(super) fn overdue(now: DateTime<Utc>) -> SelectStatement {
    Entity::find()
        .select_only()
        .column(Column::TicketId)
        .filter(open().add(Column::DueAt.lt(now)))
        .into_query()
}

/// Tickets among which the `limit` most urgent are: of every group of clocks with the same tier,
/// target and calendar the `limit` that are due first. Within a group the share of time left
/// grows with the due time, so nothing more urgent can be missing. Weekly reports are no work
/// for people and are left out.
pub(crate) async fn most_urgent(
    db: &impl ConnectionTrait,
    assignee: Option<&str>,
    limit: u64,
) -> Result<Vec<TicketId>> {
    let waiting = open().add(Column::DueAt.is_not_null());
    let waiting = waiting.add(Column::Kind.ne(ClockKind::Report.code()));
    let waiting = waiting
        .add_option(assignee.map(|assignee| Column::TicketId.in_subquery(given_to(assignee))));
    let groups: Vec<(i16, i16, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::Tier, Column::Kind, Column::PlanId])
        .filter(waiting.clone())
        .distinct()
        .into_tuple()
        .all(db)
        .await?;
    let mut found = Vec::new();
    for (tier, kind, plan) in groups {
        let rows: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::TicketId)
            .filter(waiting.clone())
            .filter(Column::Tier.eq(tier))
            .filter(Column::Kind.eq(kind))
            .filter(Column::PlanId.eq(plan))
            .order_by_asc(Column::DueAt)
            .limit(limit)
            .into_tuple()
            .all(db)
            .await?;
        found.extend(rows);
    }
    Ok(distinct(found))
}

fn given_to(assignee: &str) -> SelectStatement {
    tickets::Entity::find()
        .select_only()
        .column(tickets::Column::Id)
        .filter(tickets::Column::Assignee.eq(assignee))
        .into_query()
}
