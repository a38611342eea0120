//! The end of the ledger.

use super::damaged;
use super::rows::head::{ActiveModel, Column, Entity, Model};
use crate::domain::Time;
use crate::domain::chain::{self, Digest};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QuerySelect};

/// The last entry's place, time and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) recorded_at: Time,
    /// How often the rules in force were changed.
    pub(crate) rules: i64,
    /// What the next entry is chained to.
    pub(crate) hash: Digest,
    /// Where the chain begins.
    pub(crate) hash_from_seq: i64,
    /// Whether points may not expire without a warning, as the service that last started says.
    pub(crate) notice_required: bool,
    /// Lots from before that are still to be brought in line.
    pub(crate) notice_pending: bool,
}

/// Reads the head and keeps it until the transaction ends: whoever posts comes here first.
pub(crate) async fn lock(conn: &impl ConnectionTrait) -> Result<Head> {
    from_row(Entity::find_by_id(1).lock_exclusive().one(conn).await?)
}

/// Reads the head as it is.
pub(crate) async fn read(conn: &impl ConnectionTrait) -> Result<Head> {
    from_row(Entity::find_by_id(1).one(conn).await?)
}

/// Notes that the rules were changed. The caller has locked the head.
pub(crate) async fn bump_rules(conn: &impl ConnectionTrait, head: Head) -> Result<()> {
    let row = ActiveModel { id: Unchanged(1), rules: Set(head.rules + 1), ..Default::default() };
    row.update(conn).await?;
    Ok(())
}

/// Moves the head.
pub(crate) async fn save(conn: &impl ConnectionTrait, head: Head) -> Result<()> {
    let row = Model {
        id: 1,
        seq: head.seq,
        recorded_at: head.recorded_at,
        rules: head.rules,
        hash: head.hash.to_vec(),
        hash_from_seq: head.hash_from_seq,
        notice_required: head.notice_required,
        notice_pending: head.notice_pending,
    };
    // Written with everything else of the batch, which an UPDATE of its own would not be.
    write(conn, vec![row.into_active_model()], Known::Replace(Column::Id)).await
}

/// Keeps what the programme promises about warnings, and whether lots are to be brought in line.
pub(crate) async fn save_notice(
    conn: &impl ConnectionTrait,
    required: bool,
    pending: bool,
) -> Result<()> {
    let row = ActiveModel {
        id: Unchanged(1),
        notice_required: Set(required),
        notice_pending: Set(pending),
        ..Default::default()
    };
    row.update(conn).await?;
    Ok(())
}

fn from_row(row: Option<Model>) -> Result<Head> {
    let row = row.ok_or_else(|| damaged("ledger_head", "it is empty"))?;
    let hash = if row.hash.is_empty() {
        chain::genesis(row.hash_from_seq)
    } else {
        Digest::try_from(row.hash).map_err(|_| damaged("ledger_head", "its hash is too short"))?
    };
    Ok(Head {
        seq: row.seq,
        recorded_at: row.recorded_at,
        rules: row.rules,
        hash,
        hash_from_seq: row.hash_from_seq,
        notice_required: row.notice_required,
        notice_pending: row.notice_pending,
    })
}
