//! Reading a service's own log.

use crate::db::events::{Column, Entity, Model};
use crate::error::Result;
use crate::time;
use perennial_proto::events::v1::{Event, ReadRequest, ReadResponse};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Events in one message.
pub(super) const PAGE: usize = 500;

/// The next events after a position, and the position up to which all have been looked at.
pub(super) async fn page(
    conn: &impl ConnectionTrait,
    source: &str,
    request: &ReadRequest,
    after: i64,
) -> Result<ReadResponse> {
    // Asked before the rows: what is committed in between shows up in the rows or the next time.
    let head = head(conn).await?;
    let mut query = Entity::find().filter(Column::Position.gt(after));
    if !request.types.is_empty() {
        query = query.filter(Column::Kind.is_in(&request.types));
    }
    if !request.subject.is_empty() {
        query = query.filter(Column::Subject.eq(&request.subject));
    }
    let rows = query.order_by_asc(Column::Position).limit(PAGE as u64).all(conn).await?;
    let full = rows.len() == PAGE;
    let last = rows.last().map_or(after, |row| row.position);
    let position = if full { last } else { last.max(head) };
    let events = rows.into_iter().map(|row| to_proto(row, source)).collect();
    Ok(ReadResponse { events, position, head: position.max(head) })
}

/// Position of the newest event; 0 in an empty log.
pub(super) async fn head(conn: &impl ConnectionTrait) -> Result<i64> {
    let newest = Entity::find()
        .select_only()
        .column_as(Column::Position.max(), "head")
        .into_tuple::<Option<i64>>()
        .one(conn)
        .await?;
    Ok(newest.flatten().unwrap_or(0))
}

fn to_proto(row: Model, source: &str) -> Event {
    Event {
        id: row.id.to_string(),
        source: format!("perennial/{source}"),
        data: Some(prost_types::Any {
            type_url: format!("type.googleapis.com/{}", row.kind),
            value: row.data,
        }),
        r#type: row.kind,
        subject: row.subject,
        time: Some(time::to_proto(row.time)),
        position: row.position,
        traceparent: row.traceparent,
    }
}
