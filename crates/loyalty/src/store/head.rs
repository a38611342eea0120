//! The end of the ledger.

use super::damaged;
use super::rows::head::{ActiveModel, Entity};
use crate::domain::Time;
use perennial_platform::Result;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, QuerySelect};

/// The last entry's place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) recorded_at: Time,
    /// How often the rules in force were changed.
    pub(crate) rules: i64,
}

/// Reads the head and keeps it until the transaction ends: whoever posts comes here first.
pub(crate) async fn lock(conn: &impl ConnectionTrait) -> Result<Head> {
    let row = Entity::find_by_id(1).lock_exclusive().one(conn).await?;
    let row = row.ok_or_else(|| damaged("ledger_head", "it is empty"))?;
    Ok(Head { seq: row.seq, recorded_at: row.recorded_at, rules: row.rules })
}

/// Reads the head as it is.
pub(crate) async fn read(conn: &impl ConnectionTrait) -> Result<Head> {
    let row = Entity::find_by_id(1).one(conn).await?;
    let row = row.ok_or_else(|| damaged("ledger_head", "it is empty"))?;
    Ok(Head { seq: row.seq, recorded_at: row.recorded_at, rules: row.rules })
}

/// Notes that the rules were changed. The caller has locked the head.
pub(crate) async fn bump_rules(conn: &impl ConnectionTrait, head: Head) -> Result<()> {
    let row = ActiveModel { id: Unchanged(1), rules: Set(head.rules + 1), ..Default::default() };
    row.update(conn).await?;
    Ok(())
}

/// Moves the head.
pub(crate) async fn save(conn: &impl ConnectionTrait, head: Head) -> Result<()> {
    let row = ActiveModel {
        id: Unchanged(1),
        seq: Set(head.seq),
        recorded_at: Set(head.recorded_at),
        ..Default::default()
    };
    row.update(conn).await?;
    Ok(())
}
