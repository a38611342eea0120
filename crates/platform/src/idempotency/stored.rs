//! Answers in the `requests` table.

use super::fingerprint::Fingerprint;
use super::{Key, Reply};
use crate::db::bulk::{self, Known, MAX_LISTED, one_of};
use crate::db::requests::{ActiveModel, Column, Entity, Model};
use crate::error::status::StoredRefusal;
use crate::error::{Error, Result};
use crate::telemetry;
use chrono::{DateTime, Utc};
use prost::Message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;

/// The stored answers of some keys.
pub(crate) struct Lookup(HashMap<Uuid, Model>);

/// What a key turned out to be.
pub(crate) enum Stored<R> {
    /// Never seen: execute.
    New,
    /// Seen: this is the answer, or the refusal, or the complaint that the request is another.
    Answered(Result<Reply<R>>),
}

/// Reads the stored answers of the keys.
pub(crate) async fn lookup(
    conn: &impl ConnectionTrait,
    keys: impl IntoIterator<Item = &Key>,
) -> Result<Lookup> {
    let ids: Vec<Uuid> = keys.into_iter().map(|key| key.id).collect();
    let mut found = HashMap::new();
    for some in ids.chunks(MAX_LISTED) {
        let known = one_of(conn, Column::Id, some.to_vec());
        let rows = Entity::find().filter(known).all(conn).await?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(Lookup(found))
}

impl Lookup {
    pub(crate) fn get<R: Message + Default>(&self, key: &Key) -> Stored<R> {
        let Some(row) = self.0.get(&key.id) else { return Stored::New };
        Stored::Answered(answer(key, row))
    }
}

fn answer<R: Message + Default>(key: &Key, row: &Model) -> Result<Reply<R>> {
    key.agrees_with(&Fingerprint::from_bytes(&row.fingerprint))?;
    telemetry::replayed(key.method);
    if row.refused {
        let refusal = StoredRefusal::decode(row.answer.as_slice()).map_err(Error::internal)?;
        return Err(refusal.into_error());
    }
    let value = R::decode(row.answer.as_slice()).map_err(Error::internal)?;
    Ok(Reply { value, replayed: true })
}

/// Stores outcomes. Outcomes that are neither an answer nor a refusal are left out: the same
/// request may end differently the next time. Errors: ABORTED when a twin was faster.
pub(crate) async fn store<'a, R: Message + 'a>(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    outcomes: impl IntoIterator<Item = (&'a Key, &'a Result<R>)>,
) -> Result<()> {
    let rows: Vec<ActiveModel> =
        outcomes.into_iter().filter_map(|(key, outcome)| row(key, outcome, now)).collect();
    bulk::write(conn, rows, Known::Refuse).await
}

fn row<R: Message>(key: &Key, outcome: &Result<R>, now: DateTime<Utc>) -> Option<ActiveModel> {
    let (refused, answer) = match outcome {
        Ok(value) => (false, value.encode_to_vec()),
        Err(error) if error.is_refusal() => (true, StoredRefusal::of(error).encode_to_vec()),
        Err(_) => return None,
    };
    Some(ActiveModel {
        id: Set(key.id),
        method: Set(key.method.to_owned()),
        fingerprint: Set(key.fingerprint.to_bytes()),
        refused: Set(refused),
        answer: Set(answer),
        created_at: Set(now),
    })
}
