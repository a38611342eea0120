//! What is remembered of users: when they were active, what they complain of, who is gone.

use super::CHUNK;
use super::rows::{complaint, recipient, tombstone};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashSet;

/// What the triggers remember of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The user.
    pub user_id: String,
    /// Last activity of their own.
    pub last_active_at: Option<DateTime<Utc>>,
    /// When the silence since then is long enough for a reminder.
    pub remind_at: Option<DateTime<Utc>>,
    /// First payment seen.
    pub first_purchase_at: Option<DateTime<Utc>>,
}

impl From<recipient::Model> for Recipient {
    fn from(row: recipient::Model) -> Self {
        Self {
            user_id: row.user_id,
            last_active_at: row.last_active_at,
            remind_at: row.remind_at,
            first_purchase_at: row.first_purchase_at,
        }
    }
}

/// Makes sure that the users have a row. `users` must be sorted: rows are taken in one order
/// everywhere.
pub async fn ensure(conn: &impl ConnectionTrait, users: &[String]) -> Result<()> {
    for chunk in users.chunks(CHUNK) {
        let rows = chunk.iter().map(|user| recipient::ActiveModel {
            user_id: Set(user.clone()),
            last_active_at: NotSet,
            remind_at: NotSet,
            first_purchase_at: NotSet,
        });
        let there = OnConflict::column(recipient::Column::UserId).do_nothing().to_owned();
        recipient::Entity::insert_many(rows)
            .on_conflict(there)
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// Locks one user, waiting for whoever holds the lock. What was known of the user before may have
/// been erased meanwhile.
pub async fn lock(conn: &impl ConnectionTrait, user_id: &str) -> Result<Option<Recipient>> {
    ensure(conn, &[user_id.to_owned()]).await?;
    let row = recipient::Entity::find_by_id(user_id.to_owned()).lock_exclusive().one(conn).await?;
    Ok(row.map(Recipient::from))
}

/// Keeps an erasure of the users from being committed before this transaction is, and waits for
/// one that began earlier. Others may hold them at the same time. `users` must be sorted.
pub async fn hold(conn: &impl ConnectionTrait, users: &[String]) -> Result<()> {
    ensure(conn, users).await?;
    for chunk in users.chunks(CHUNK) {
        let _: Vec<String> = recipient::Entity::find()
            .select_only()
            .column(recipient::Column::UserId)
            .filter(recipient::Column::UserId.is_in(chunk))
            .order_by_asc(recipient::Column::UserId)
            .lock_shared()
            .into_tuple()
            .all(conn)
            .await?;
    }
    Ok(())
}

/// Forgets users' rows.
pub async fn remove(conn: &impl ConnectionTrait, users: &[String]) -> Result<()> {
    for chunk in users.chunks(CHUNK) {
        recipient::Entity::delete_many()
            .filter(recipient::Column::UserId.is_in(chunk))
            .exec(conn)
            .await?;
    }
    Ok(())
}

/// Which of the users have no row, in the order given.
pub async fn absent(conn: &impl ConnectionTrait, users: &[String]) -> Result<Vec<String>> {
    let mut there = HashSet::new();
    for chunk in users.chunks(CHUNK) {
        let rows: Vec<String> = recipient::Entity::find()
            .select_only()
            .column(recipient::Column::UserId)
            .filter(recipient::Column::UserId.is_in(chunk))
            .into_tuple()
            .all(conn)
            .await?;
        there.extend(rows);
    }
    Ok(users.iter().filter(|user| !there.contains(*user)).cloned().collect())
}

/// Locks those of the users that nobody else holds. Whoever decides messages of a user, or takes
/// them back, holds this lock, so the count of slots is exact over all replicas; and since
/// batches never wait for it, they are never part of a deadlock.
pub async fn try_lock(conn: &impl ConnectionTrait, users: &[String]) -> Result<Vec<Recipient>> {
    let mut found = Vec::with_capacity(users.len());
    for chunk in users.chunks(CHUNK) {
        let rows = recipient::Entity::find()
            .filter(recipient::Column::UserId.is_in(chunk))
            .order_by_asc(recipient::Column::UserId)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .all(conn)
            .await?;
        found.extend(rows.into_iter().map(Recipient::from));
    }
    Ok(found)
}

/// Writes what is remembered.
pub async fn save(conn: &impl ConnectionTrait, people: &[Recipient]) -> Result<()> {
    use recipient::Column;
    for chunk in people.chunks(CHUNK) {
        let rows = chunk.iter().map(|person| recipient::ActiveModel {
            user_id: Set(person.user_id.clone()),
            last_active_at: Set(person.last_active_at),
            remind_at: Set(person.remind_at),
            first_purchase_at: Set(person.first_purchase_at),
        });
        let overwrite = OnConflict::column(Column::UserId)
            .update_columns([Column::LastActiveAt, Column::RemindAt, Column::FirstPurchaseAt])
            .to_owned();
        recipient::Entity::insert_many(rows)
            .on_conflict(overwrite)
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// Users whose silence is long enough for a reminder, longest first.
pub async fn silent(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>> {
    Ok(recipient::Entity::find()
        .select_only()
        .column(recipient::Column::UserId)
        .filter(recipient::Column::RemindAt.lte(now))
        .order_by_asc(recipient::Column::RemindAt)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?)
}

/// A complaint stands open from now on; told twice is no error.
pub async fn open_complaint(
    conn: &impl ConnectionTrait,
    user_id: &str,
    ticket_id: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    let row = complaint::ActiveModel {
        ticket_id: Set(ticket_id.to_owned()),
        user_id: Set(user_id.to_owned()),
        opened_at: Set(at),
    };
    let there = OnConflict::column(complaint::Column::TicketId).do_nothing().to_owned();
    complaint::Entity::insert(row).on_conflict(there).exec_without_returning(conn).await?;
    Ok(())
}

/// The ticket is solved. Answers whether it was an open complaint.
pub async fn close_complaint(conn: &impl ConnectionTrait, ticket_id: &str) -> Result<bool> {
    let closed = complaint::Entity::delete_by_id(ticket_id.to_owned()).exec(conn).await?;
    Ok(closed.rows_affected > 0)
}

/// Which of the users have an open complaint.
pub async fn complaining(conn: &impl ConnectionTrait, users: &[String]) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    for chunk in users.chunks(CHUNK) {
        let rows: Vec<String> = complaint::Entity::find()
            .select_only()
            .column(complaint::Column::UserId)
            .filter(complaint::Column::UserId.is_in(chunk))
            .into_tuple()
            .all(conn)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Which of these hashes belong to erased users.
pub async fn erased(conn: &impl ConnectionTrait, hashes: &[String]) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    for chunk in hashes.chunks(CHUNK) {
        let rows: Vec<String> = tombstone::Entity::find()
            .select_only()
            .column(tombstone::Column::UserHash)
            .filter(tombstone::Column::UserHash.is_in(chunk))
            .into_tuple()
            .all(conn)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Forgets a user and remembers the hash.
pub async fn bury(
    conn: &impl ConnectionTrait,
    user_id: &str,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    recipient::Entity::delete_by_id(user_id.to_owned()).exec(conn).await?;
    complaint::Entity::delete_many()
        .filter(complaint::Column::UserId.eq(user_id))
        .exec(conn)
        .await?;
    let row = tombstone::ActiveModel { user_hash: Set(hash.to_owned()), erased_at: Set(now) };
    let there = OnConflict::column(tombstone::Column::UserHash).do_nothing().to_owned();
    tombstone::Entity::insert(row).on_conflict(there).exec_without_returning(conn).await?;
    Ok(())
}

/// The id is in use again: the user registered anew.
pub async fn unbury(conn: &impl ConnectionTrait, hash: &str) -> Result<()> {
    tombstone::Entity::delete_by_id(hash.to_owned()).exec(conn).await?;
    Ok(())
}
