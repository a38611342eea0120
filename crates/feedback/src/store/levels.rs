//! How promises were kept, counted in the database.

use super::decode;
use super::rows::clocks::{Column, Entity};
use crate::domain::kinds::{Channel, ClockKind, Coded, PromiseState};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::error::Result;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::BTreeMap;

/// How the promises of one clock on one channel were kept.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) kept: i64,
    /// Ended late, or overdue now.
    pub(crate) breached: i64,
    pub(crate) open: i64,
    pub(crate) voided: i64,
    /// Wall-clock time from start to fulfilment; of an even number the lower of the middle two.
    pub(crate) median: Option<TimeDelta>,
}

/// Levels by channel and clock.
pub(crate) type Levels = BTreeMap<(Channel, ClockKind), Level>;

/// Judges at `now` the promises that started in `[from, to)`.
pub(crate) async fn levels(
    db: &impl ConnectionTrait,
    from: Option<DateTime<Utc>>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Levels> {
    let period = Condition::all()
        .add_option(from.map(|from| Column::StartAt.gte(from)))
        .add(Column::StartAt.lt(to));
    let mut levels = Levels::new();
    for (group, outcome, count) in counts(db, period.clone()).await? {
        let level = levels.entry(group).or_default();
        match outcome {
            PromiseState::Running | PromiseState::Paused => level.open += count,
            PromiseState::Kept => level.kept += count,
            PromiseState::Breached => level.breached += count,
            PromiseState::Void => level.voided += count,
        }
    }
    let overdue = period.clone().add(Column::DueAt.lt(now));
    for (group, outcome, count) in counts(db, overdue).await? {
        if outcome == PromiseState::Running {
            let level = levels.entry(group).or_default();
            level.open -= count;
            level.breached += count;
        }
    }
    for (group, level) in &mut levels {
        level.median = median(db, period.clone(), *group).await?;
    }
    Ok(levels)
}

type Count = ((Channel, ClockKind), PromiseState, i64);

async fn counts(db: &impl ConnectionTrait, which: Condition) -> Result<Vec<Count>> {
    let rows: Vec<(i16, i16, i16, i64)> = Entity::find()
        .select_only()
        .columns([Column::Channel, Column::Kind, Column::Outcome])
        .column_as(Column::TicketId.count(), "count")
        .filter(which)
        .group_by(Column::Channel)
        .group_by(Column::Kind)
        .group_by(Column::Outcome)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter()
        .map(|(channel, kind, outcome, count)| {
            Ok(((decode(channel)?, decode(kind)?), decode(outcome)?, count))
        })
        .collect()
}

async fn median(
    db: &impl ConnectionTrait,
    period: Condition,
    (channel, kind): (Channel, ClockKind),
) -> Result<Option<TimeDelta>> {
    let done = period
        .add(Column::Channel.eq(channel.code()))
        .add(Column::Kind.eq(kind.code()))
        .add(Column::ElapsedMs.is_not_null());
    let times = Entity::find().select_only().filter(done);
    let count: Option<i64> =
        times.clone().column_as(Column::TicketId.count(), "count").into_tuple().one(db).await?;
    let middle = u64::try_from((count.unwrap_or(0) - 1) / 2).unwrap_or(0);
    let elapsed: Option<i64> = times
        .column(Column::ElapsedMs)
        .order_by_asc(Column::ElapsedMs)
        .offset(middle)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(elapsed.map(TimeDelta::milliseconds))
}
