//! A service's own database: an SQLite file (default) or Postgres, the same code on both.
//!
//! SQLite: write-ahead log, every commit synced, one writer connection and `BEGIN IMMEDIATE`, so
//! two writers queue instead of failing with "database is locked". Postgres: read committed; rows
//! that will change are locked in id order.

pub mod bulk;
mod defer;
#[doc(hidden)]
pub mod faults;
mod lease;
mod migrate;
mod observe;
mod open;
mod seal;
mod tables;
mod tx;

pub use lease::Lease;
pub(crate) use tables::{consumers, events, parked_events, requests};
pub use tx::Tx;

use crate::config::DatabaseConfig;
use crate::error::Result;
use faults::{Faults, Step};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use sea_orm_migration::MigrationTrait;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// An SQLite file.
    Sqlite,
    /// A Postgres database.
    Postgres,
}

/// A service's database. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Db(Arc<Inner>);

struct Inner {
    engine: Engine,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    url: String,
    log_grew: OnceLock<Box<dyn Fn() + Send + Sync>>,
    ordered_log: bool,
    faults: Option<Arc<dyn Faults>>,
    figures: observe::Figures,
}

impl Db {
    /// Opens the database of a service, without touching its tables. Errors: UNAVAILABLE when it
    /// cannot be reached.
    pub async fn open(service: &str, config: &DatabaseConfig, data: &Path) -> Result<Self> {
        Self::open_with(service, config, data, true, None).await
    }

    /// The same database without the guard that keeps the event log in commit order: the control
    /// of the test that shows what the guard is for.
    #[doc(hidden)]
    pub async fn open_unordered(
        service: &str,
        config: &DatabaseConfig,
        data: &Path,
    ) -> Result<Self> {
        Self::open_with(service, config, data, false, None).await
    }

    /// The same database with somebody who decides what becomes of each step of a transaction:
    /// for simulations.
    #[doc(hidden)]
    pub async fn open_with_faults(
        service: &str,
        config: &DatabaseConfig,
        data: &Path,
        faults: Arc<dyn Faults>,
    ) -> Result<Self> {
        Self::open_with(service, config, data, true, Some(faults)).await
    }

    async fn open_with(
        service: &str,
        config: &DatabaseConfig,
        data: &Path,
        ordered_log: bool,
        faults: Option<Arc<dyn Faults>>,
    ) -> Result<Self> {
        let url = config.url_for(service, data);
        let (engine, mut reader, mut writer) = open::open(&url, config).await?;
        let figures = observe::Figures::of(service, engine, &mut reader, &mut writer);
        let log_grew = OnceLock::new();
        let inner = Inner { engine, reader, writer, url, log_grew, ordered_log, faults, figures };
        Ok(Self(Arc::new(inner)))
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Connections for reading outside a transaction.
    pub fn read(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    /// Begins a transaction that may write. Dropped without commit, it is rolled back.
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self).await
    }

    /// Brings the tables up to date: the platform's own and then those of the service. One
    /// process at a time (an advisory lock on Postgres).
    pub async fn migrate(&self, migrations: fn() -> Vec<Box<dyn MigrationTrait>>) -> Result<()> {
        migrate::up(self, migrations).await
    }

    /// Names of the migrations that have not run yet.
    pub async fn pending(
        &self,
        migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
    ) -> Result<Vec<String>> {
        migrate::pending(self, migrations).await
    }

    /// Makes sure that the data here was sealed under this vault's master key; the first call
    /// marks the database. Errors: FAILED_PRECONDITION / WRONG_MASTER_KEY.
    pub async fn check_master_key(&self, vault: &crate::vault::Vault) -> Result<()> {
        seal::check(self, vault).await
    }

    /// Takes the named lease if no other replica holds it; given back when dropped.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>> {
        lease::take(self, name).await
    }

    async fn reach(&self, step: Step) -> Result<(), DbErr> {
        match &self.0.faults {
            None => Ok(()),
            Some(faults) => faults.reach(step).await,
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        self.read().execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Calls `wake` after every commit that added to the event log. The first caller wins.
    pub fn on_log_growth(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.log_grew.set(Box::new(wake));
    }

    /// Closes the connections; SQLite's write-ahead log goes into the file.
    pub async fn close(&self) {
        if self.engine() == Engine::Sqlite {
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            if let Err(error) = self.0.writer.execute_unprepared(checkpoint).await {
                tracing::warn!(%error, "the write-ahead log could not be folded in");
            }
        }
        let _ = self.0.reader.clone().close().await;
        let _ = self.0.writer.clone().close().await;
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("engine", &self.engine).finish_non_exhaustive()
    }
}
