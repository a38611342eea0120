//! Events that a consumer could not handle: set aside with their error, visible, replayable.

use crate::db::parked_events::{ActiveModel, Column, Entity, Model};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::page::Pages;
use crate::time;
use chrono::{DateTime, Utc};
use perennial_proto::events::v1 as proto;
use prost::Message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

/// Sets an event aside.
pub(super) async fn park(
    tx: &Tx,
    now: DateTime<Utc>,
    consumer: &str,
    event: &proto::Event,
    error: &Error,
    attempts: i32,
) -> Result<()> {
    let row = ActiveModel {
        consumer: Set(consumer.to_owned()),
        event_id: Set(Uuid::try_parse(&event.id).map_err(Error::internal)?),
        event: Set(event.encode_to_vec()),
        error: Set(format!("{}: {}", error.reason(), error.message())),
        attempts: Set(attempts),
        replay: Set(false),
        parked_at: Set(now),
    };
    let again = OnConflict::columns([Column::Consumer, Column::EventId])
        .update_columns([Column::Error, Column::Attempts, Column::Replay, Column::ParkedAt])
        .to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

/// The parked events of a consumer that are to be handled again.
pub(super) async fn to_replay(
    conn: &impl ConnectionTrait,
    consumer: &str,
) -> Result<Vec<proto::Event>> {
    let rows = Entity::find()
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Replay.eq(true))
        .limit(100)
        .all(conn)
        .await?;
    rows.iter()
        .map(|row| proto::Event::decode(row.event.as_slice()).map_err(Error::internal))
        .collect()
}

/// Takes an event off the list, in the transaction of its effects and before them. False when
/// another replica has done so: like the position, the row is the fencing token.
pub(super) async fn unpark(tx: &Tx, consumer: &str, event: &proto::Event) -> Result<bool> {
    let id = Uuid::try_parse(&event.id).map_err(Error::internal)?;
    let gone = Entity::delete_by_id((consumer.to_owned(), id)).exec(tx).await?;
    Ok(gone.rows_affected == 1)
}

/// Marks a parked event to be handled again. Errors: NOT_FOUND / PARKED_EVENT_NOT_FOUND.
pub(super) async fn replay(db: &Db, request: &proto::ReplayParkedRequest) -> Result<()> {
    let id = Uuid::try_parse(&request.event_id)
        .map_err(|_| Error::invalid("event_id", "is not the id of an event"))?;
    let tx = db.begin().await?;
    let marked = Entity::update_many()
        .col_expr(Column::Replay, sea_orm::sea_query::Expr::value(true))
        .filter(Column::Consumer.eq(&request.consumer))
        .filter(Column::EventId.eq(id))
        .exec(&tx)
        .await?;
    if marked.rows_affected == 0 {
        return Err(Error::not_found(
            "PARKED_EVENT_NOT_FOUND",
            "no parked event with this consumer and id",
        ));
    }
    tx.commit().await
}

/// One page of the parked events, by consumer and event id.
pub(super) async fn list(
    db: &Db,
    pages: &Pages,
    request: &proto::ListParkedRequest,
) -> Result<proto::ListParkedResponse> {
    let (size, after) =
        pages.open::<(String, Uuid)>(request.page_size, &request.page_token, "parked")?;
    let mut query = Entity::find();
    if let Some((consumer, id)) = after {
        query =
            query.filter(Condition::any().add(Column::Consumer.gt(&consumer)).add(
                Condition::all().add(Column::Consumer.eq(&consumer)).add(Column::EventId.gt(id)),
            ));
    }
    let mut rows = query
        .order_by_asc(Column::Consumer)
        .order_by_asc(Column::EventId)
        .limit(size + 1)
        .all(db.read())
        .await?;
    let more = rows.len() as u64 > size;
    rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let next_page_token = match rows.last() {
        Some(last) if more => pages.token("parked", &(&last.consumer, last.event_id)),
        _ => String::new(),
    };
    let parked = rows.into_iter().map(to_proto).collect::<Result<_>>()?;
    Ok(proto::ListParkedResponse { parked, next_page_token })
}

fn to_proto(row: Model) -> Result<proto::ParkedEvent> {
    Ok(proto::ParkedEvent {
        consumer: row.consumer,
        event: Some(proto::Event::decode(row.event.as_slice()).map_err(Error::internal)?),
        error: row.error,
        attempts: row.attempts,
        park_time: Some(time::to_proto(row.parked_at)),
    })
}
