//! A transaction, and the events that become part of the log when it commits.

use super::bulk::{self, Known};
use super::defer::{Deferred, Turn};
use super::faults::Step;
use super::{Db, Engine, events};
use crate::error::Result;
use crate::events::NewEvent;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing::Span;

/// A transaction that may write. Dropped without [`Tx::commit`], it is rolled back.
///
/// Events appended to it are written at the very end, just before the commit. On Postgres that
/// last step takes an advisory lock that only appenders take, so positions in the log become
/// visible in order: whoever has read up to N has seen everything below N. Nothing is waited for
/// while the lock is held, so it cannot be part of a deadlock.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    db: Db,
    events: Mutex<Vec<NewEvent>>,
    writes: Mutex<Deferred>,
    /// Of the commands of a batch, in order; empty when there is but one cause.
    callers: Vec<Span>,
}

/// Key of the advisory lock for appending ("perennial.events" has no meaning to Postgres; any
/// fixed number will do).
const APPEND_LOCK: &str = "pg_advisory_xact_lock(7305)";

impl Tx {
    pub(super) async fn begin(db: &Db) -> Result<Self> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        db.reach(Step::Begin).await?;
        let started = Instant::now();
        let inner = db.0.writer.begin_with_options(options).await?;
        db.0.figures.waited(started.elapsed());
        let (events, writes, callers) = (Mutex::default(), Mutex::default(), Vec::new());
        Ok(Self { inner, db: db.clone(), events, writes, callers })
    }

    /// Says whose commands are carried out here, see [`Self::on_behalf_of`].
    pub(crate) fn act_for(&mut self, callers: Vec<Span>) {
        self.callers = callers;
    }

    /// Does `work` as a part of the call that handed in the n-th command of this batch: events
    /// made in it go on with that call's trace. In a transaction that is no batch it only does it.
    pub fn on_behalf_of<T>(&self, command: usize, work: impl FnOnce() -> T) -> T {
        match self.callers.get(command) {
            Some(caller) => caller.in_scope(work),
            None => work(),
        }
    }

    /// Adds events to the log if and when this transaction commits.
    pub(crate) fn append(&self, new: impl IntoIterator<Item = NewEvent>) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
    }

    /// Makes it all durable. Errors: UNAVAILABLE may mean that it did commit and only the answer
    /// was lost; a retry under the same request id tells.
    pub async fn commit(self) -> Result<()> {
        let events =
            std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner));
        let grew = !events.is_empty();
        let mut rows: Vec<_> = events.into_iter().map(NewEvent::into_row).collect();
        if grew && self.db.engine() == Engine::Postgres {
            let statement = self.last(&mut rows)?;
            self.inner.execute_raw(statement).await?;
        } else {
            self.flush().await?;
            bulk::write(&self.inner, rows, Known::Refuse).await?;
        }
        self.db.reach(Step::Commit).await?;
        let started = Instant::now();
        self.inner.commit().await?;
        self.db.0.figures.committed(started.elapsed());
        self.db.reach(Step::Committed).await?;
        if grew && let Some(wake) = self.db.0.log_grew.get() {
            wake();
        }
        Ok(())
    }

    /// The writes that wait, and then the events. Positions are given out row by row, so none before
    /// the lock is held; and the lock is not asked for before all the rest is written, which may wait
    /// for others.
    fn last(&self, events: &mut [events::ActiveModel]) -> Result<Statement> {
        self.writes().take_with(|written| {
            let lock = format!("CASE WHEN {written} >= 0 THEN {APPEND_LOCK} END");
            bulk::write_under(events, self.db.0.ordered_log.then_some(&lock))
        })
    }

    /// Sends the writes that wait.
    async fn flush(&self) -> Result<(), DbErr> {
        let waiting = self.writes().take();
        self.send(waiting).await
    }

    async fn send(&self, statement: Option<Statement>) -> Result<(), DbErr> {
        match statement {
            Some(statement) => self.inner.execute_raw(statement).await.map(drop),
            None => Ok(()),
        }
    }

    fn writes(&self) -> std::sync::MutexGuard<'_, Deferred> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Undoes it all now rather than when dropped.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }
}

/// The answer to a write that waits: it has changed nothing so far.
fn nothing_yet() -> ExecResult {
    sea_orm::sqlx::postgres::PgQueryResult::default().into()
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.db.reach(Step::Statement).await?;
        let turn = self.writes().turn(statement);
        match turn {
            Turn::Later => Ok(nothing_yet()),
            Turn::LaterAfter(waiting) => {
                self.send(Some(waiting)).await?;
                Ok(nothing_yet())
            }
            Turn::Now(waiting, statement) => {
                self.send(waiting).await?;
                self.inner.execute_raw(statement).await
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.db.reach(Step::Statement).await?;
        self.flush().await?;
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.db.reach(Step::Statement).await?;
        self.flush().await?;
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.db.reach(Step::Statement).await?;
        self.flush().await?;
        self.inner.query_all_raw(statement).await
    }
}
