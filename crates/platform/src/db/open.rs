//! Opening connections with the settings that make both databases keep their promises.

use super::Engine;
use crate::config::DatabaseConfig;
use crate::error::{Error, Result};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::path::Path;
use std::time::Duration;

/// Writers queue for the one connection; a longer wait than a reader's is normal.
const SQLITE_WRITER_WAIT: Duration = Duration::from_secs(5);

/// A batch changes its pages in memory: those that the cache has no room for go into the log early,
/// again whenever they change once more, and the sums of the log are then made anew. What statements
/// of many rows keep in case they have to be undone stays out of files as well: of a batch of a
/// thousand activities that was two thirds of all pages written.
const SQLITE_WRITER: &[(&str, &str)] = &[("cache_size", "-64000"), ("temp_store", "MEMORY")];
const SQLITE_READER: &[(&str, &str)] = &[("cache_size", "-32000")];

/// Every job that runs keeps a connection for its lease; calls need some besides.
const FEWEST_CONNECTIONS: u32 = 6;

pub(super) async fn open(
    url: &str,
    config: &DatabaseConfig,
) -> Result<(Engine, DatabaseConnection, DatabaseConnection)> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let folder = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(|error| {
                let message = format!("the data folder {} cannot be made", folder.display());
                Error::unavailable("DATA_FOLDER", message).caused_by(error)
            })?;
        }
        let writer = sqlite(url, 1, SQLITE_WRITER_WAIT, SQLITE_WRITER).await?;
        let (connections, wait) = (config.max_connections.max(1), config.acquire_timeout());
        let reader = sqlite(url, connections, wait, SQLITE_READER).await?;
        return Ok((Engine::Sqlite, reader, writer));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        if config.max_connections < FEWEST_CONNECTIONS {
            let message = format!("must be at least {FEWEST_CONNECTIONS} for Postgres");
            return Err(Error::invalid("database.max_connections", message));
        }
        let pool = postgres(url, config).await?;
        return Ok((Engine::Postgres, pool.clone(), pool));
    }
    Err(Error::invalid("database.url", "must begin with sqlite:// or postgres://"))
}

async fn sqlite(
    url: &str,
    connections: u32,
    wait: Duration,
    settings: &'static [(&str, &str)],
) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("{url}?mode=rwc"));
    options
        .max_connections(connections)
        .acquire_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            let sqlite =
                settings.iter().fold(sqlite, |sqlite, (key, value)| sqlite.pragma(*key, *value));
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                // An acknowledged write survives power loss, not only a crash.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .pragma("secure_delete", "ON")
                .statement_cache_capacity(256)
        });
    Ok(Database::connect(options).await?)
}

pub(super) async fn postgres(url: &str, config: &DatabaseConfig) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout())
        .test_before_acquire(false)
        .sqlx_logging(false);
    if config.statement_timeout_ms > 0 {
        options.statement_timeout(Duration::from_millis(config.statement_timeout_ms));
    }
    Ok(Database::connect(options).await?)
}
