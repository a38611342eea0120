//! Leases: one replica at a time does a job.
//!
//! On Postgres a lease is an advisory lock held by an open transaction, so a dead process gives
//! it back at once and a stopped one keeps it: there is no expiry to guess and no clock to trust.
//! An SQLite file has one process, where the worker's own mutex does.

use super::{Db, Engine};
use crate::error::Result;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait};

/// A lease held; dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    _lock: Option<DatabaseTransaction>,
}

pub(super) async fn take(db: &Db, name: &str) -> Result<Option<Lease>> {
    if db.engine() == Engine::Sqlite {
        return Ok(Some(Lease { _lock: None }));
    }
    let lock = db.0.writer.begin().await?;
    let statement = Statement::from_sql_and_values(
        lock.get_database_backend(),
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken",
        [format!("perennial.lease.{name}").into()],
    );
    let taken = match lock.query_one_raw(statement).await? {
        Some(row) => row.try_get::<bool>("", "taken")?,
        None => false,
    };
    Ok(taken.then_some(Lease { _lock: Some(lock) }))
}
