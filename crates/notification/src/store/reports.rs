//! Figures over messages, counted by the database.

use super::rows::message::{Column, Entity};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// How many messages share template, channel, state and reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in report.proto")]
pub struct Outcome {
    pub template: String,
    pub channel: i16,
    pub state: i16,
    pub reason: String,
    pub held_for: String,
    pub count: i64,
}

/// Counts the messages planned for a half-open period.
pub async fn outcomes(
    conn: &impl ConnectionTrait,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<Vec<Outcome>> {
    let by = [Column::Template, Column::Channel, Column::State, Column::Reason, Column::HeldFor];
    let mut query = Entity::find().select_only().columns(by).column_as(Column::Id.count(), "count");
    if let Some(from) = from {
        query = query.filter(Column::SendAt.gte(from));
    }
    if let Some(to) = to {
        query = query.filter(Column::SendAt.lt(to));
    }
    for column in by {
        query = query.group_by(column).order_by_asc(column);
    }
    let rows: Vec<(String, i16, i16, String, String, i64)> = query.into_tuple().all(conn).await?;
    let read = |(template, channel, state, reason, held_for, count)| Outcome {
        template,
        channel,
        state,
        reason,
        held_for,
        count,
    };
    Ok(rows.into_iter().map(read).collect())
}
