//! Messages: planned, due, claimed, listed.

use super::CHUNK;
use super::rows::message::{self, CHANGING, Column, Entity, Model};
use crate::domain::caps::Slot;
use crate::domain::decision::Gate;
use crate::domain::kinds::{Channel, State};
use crate::domain::notification::Notification;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

fn read_all(rows: Vec<Model>) -> Result<Vec<Notification>> {
    rows.into_iter().map(Model::read).collect()
}

/// Adds new messages. Their dedupe keys must be known to be free (see [`taken`]).
pub async fn insert(conn: &impl ConnectionTrait, messages: &[Notification]) -> Result<()> {
    for chunk in messages.chunks(CHUNK) {
        let rows = chunk.iter().map(message::write).collect::<Result<Vec<_>>>()?;
        Entity::insert_many(rows).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Writes changed messages back, many in one statement. They must be locked by this transaction,
/// so that none can have vanished meanwhile.
pub async fn save(conn: &impl ConnectionTrait, messages: &[Notification]) -> Result<()> {
    for chunk in messages.chunks(CHUNK) {
        let rows = chunk.iter().map(message::write).collect::<Result<Vec<_>>>()?;
        let overwrite = OnConflict::column(Column::Id).update_columns(CHANGING).to_owned();
        Entity::insert_many(rows).on_conflict(overwrite).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Which of these (user, channel, dedupe key) stand there already, and under which id.
pub async fn taken(
    conn: &impl ConnectionTrait,
    users: &[String],
    keys: &[String],
) -> Result<HashMap<(String, Channel, String), Uuid>> {
    let mut found = HashMap::new();
    for chunk in keys.chunks(CHUNK) {
        let rows: Vec<(Uuid, String, i16, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::UserId, Column::Channel, Column::DedupeKey])
            .filter(Column::UserId.is_in(users))
            .filter(Column::DedupeKey.is_in(chunk))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, user, channel, key) in rows {
            if let Some(channel) = Channel::from_code(channel) {
                found.insert((user, channel, key), id);
            }
        }
    }
    Ok(found)
}

/// Ids and users of the messages that are due, longest due first.
pub async fn due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(Uuid, String)>> {
    Ok(Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId])
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?)
}

/// When the messages that are due fell due, longest ago first.
pub async fn due_times(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<DateTime<Utc>>> {
    Ok(Entity::find()
        .select_only()
        .column(Column::DueAt)
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?)
}

/// Reads messages by id.
pub async fn by_ids(conn: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Notification>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(conn).await?;
        found.extend(read_all(rows)?);
    }
    Ok(found)
}

/// Reads and locks messages in id order; those that are gone are left out.
pub async fn lock(conn: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Notification>> {
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(conn)
        .await?;
    read_all(rows)
}

/// Locks those of the claimed messages whose claim still stands, in id order; nobody else changes
/// a claimed message, so what was claimed is what stands there.
pub async fn lock_claimed(
    conn: &impl ConnectionTrait,
    claimed: impl Iterator<Item = &Notification>,
) -> Result<HashSet<Uuid>> {
    let (ids, claims): (Vec<Uuid>, HashSet<Uuid>) =
        claimed.filter_map(|message| Some((message.id, message.claim?))).unzip();
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids))
        .filter(Column::Claim.is_in(claims))
        .filter(Column::State.eq(State::Claimed.code()))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .into_tuple()
        .all(conn)
        .await?;
    Ok(ids.into_iter().collect())
}

/// Locks the pending messages of a user that certain triggers planned.
pub async fn lock_pending_of(
    conn: &impl ConnectionTrait,
    user_id: &str,
    triggers: &[&str],
) -> Result<Vec<Notification>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::State.is_in(State::PENDING.map(State::code)))
        .filter(Column::TriggerName.is_in(triggers.iter().copied()))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(conn)
        .await?;
    read_all(rows)
}

/// Slots that the users hold since `since`, each with the message that holds it.
pub async fn slots(
    conn: &impl ConnectionTrait,
    users: &[String],
    since: DateTime<Utc>,
) -> Result<HashMap<String, Vec<(Uuid, Slot)>>> {
    let mut found: HashMap<String, Vec<(Uuid, Slot)>> = HashMap::new();
    for chunk in users.chunks(CHUNK) {
        let rows: Vec<(Uuid, String, i16, String, DateTime<Utc>)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::UserId, Column::Channel, Column::Topic, Column::SlotAt])
            .filter(Column::UserId.is_in(chunk))
            .filter(Column::SlotAt.gte(since))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, user, channel, topic, at) in rows {
            if let Some(channel) = Channel::from_code(channel) {
                found.entry(user).or_default().push((id, Slot { channel, topic, at }));
            }
        }
    }
    Ok(found)
}

/// Lets the messages of a user that a gate holds be looked at again at once, because what the gate
/// looked at has changed. The user must be locked.
pub async fn look_again(
    conn: &impl ConnectionTrait,
    user_id: &str,
    held_by: Gate,
    now: DateTime<Utc>,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::State.eq(State::Held.code()))
        .filter(Column::Reason.eq(held_by.reason()))
        .exec(conn)
        .await?;
    Ok(())
}

/// What to list. Empty lists and names do not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this user.
    pub user_id: String,
    /// In these states.
    pub states: Vec<State>,
    /// Of this template.
    pub template: String,
    /// On this channel.
    pub channel: Option<Channel>,
    /// Not read yet.
    pub unread: bool,
}

impl Filter {
    fn condition(&self) -> Condition {
        let mut all = Condition::all();
        if !self.user_id.is_empty() {
            all = all.add(Column::UserId.eq(&self.user_id));
        }
        if !self.states.is_empty() {
            all = all.add(Column::State.is_in(self.states.iter().map(|s| s.code())));
        }
        if !self.template.is_empty() {
            all = all.add(Column::Template.eq(&self.template));
        }
        if let Some(channel) = self.channel {
            all = all.add(Column::Channel.eq(channel.code()));
        }
        if self.unread {
            all = all.add(Column::ReadAt.is_null());
        }
        all
    }
}

/// Messages by id, newest first (ids sort by the time of planning), before `before`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Notification>> {
    let mut query = Entity::find().filter(filter.condition());
    if let Some(before) = before {
        query = query.filter(Column::Id.lt(before));
    }
    read_all(query.order_by(Column::Id, Order::Desc).limit(limit).all(conn).await?)
}

/// How many there are.
pub async fn count(conn: &impl ConnectionTrait, filter: &Filter) -> Result<u64> {
    Ok(Entity::find().filter(filter.condition()).count(conn).await?)
}

/// Marks inbox messages of a user as read; `ids` empty = all of them. Returns how many changed.
pub async fn mark_read(
    conn: &impl ConnectionTrait,
    user_id: &str,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64> {
    let mut update = Entity::update_many()
        .col_expr(Column::ReadAt, Expr::value(now))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Channel.eq(Channel::Inbox.code()))
        .filter(Column::State.eq(State::Sent.code()))
        .filter(Column::ReadAt.is_null());
    if !ids.is_empty() {
        update = update.filter(Column::Id.is_in(ids.iter().copied()));
    }
    Ok(update.exec(conn).await?.rows_affected)
}

/// Messages of a user on a channel: id and planned time of each.
pub async fn of_user_on(
    conn: &impl ConnectionTrait,
    user_id: &str,
    channel: Channel,
) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
    Ok(Entity::find()
        .select_only()
        .columns([Column::Id, Column::SendAt])
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Channel.eq(channel.code()))
        .into_tuple()
        .all(conn)
        .await?)
}

/// Deletes every message of a user.
pub async fn delete_of(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(())
}
