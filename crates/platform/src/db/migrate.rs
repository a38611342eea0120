//! Migrations: the platform's tables first, then the service's, one process at a time.

use super::{Db, Engine, open, tables};
use crate::config::DatabaseConfig;
use crate::error::Result;
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf, SchemaManager};
use std::collections::HashSet;

/// Where sea-orm-migration keeps what has run.
const TABLE: &str = "seaql_migrations";

struct Migrator(fn() -> Vec<Box<dyn MigrationTrait>>);

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let mut all: Vec<Box<dyn MigrationTrait>> = vec![Box::new(tables::Migration)];
        all.extend((self.0)());
        all
    }
}

pub(super) async fn up(db: &Db, migrations: fn() -> Vec<Box<dyn MigrationTrait>>) -> Result<()> {
    if db.engine() == Engine::Sqlite {
        return run(db, &db.0.writer, migrations).await;
    }
    // Connections of its own: to wait for another replica's migration, or to build an index on a
    // large table, may take longer than any statement of a call.
    let config = DatabaseConfig {
        statement_timeout_ms: 0,
        acquire_timeout_ms: 10_000,
        ..DatabaseConfig::default()
    };
    let patient = open::postgres(&db.0.url, &config).await?;
    // sea-orm-migration takes no lock, and two replicas may start at once.
    let lock = patient.begin().await?;
    lock.execute_unprepared("SELECT pg_advisory_xact_lock(7304)").await?;
    let outcome = run(db, &patient, migrations).await;
    lock.commit().await?;
    patient.close().await?;
    outcome
}

async fn run(
    db: &Db,
    conn: &DatabaseConnection,
    migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
) -> Result<()> {
    // A newer program's migrations are unknown here, which is no reason not to start.
    if !pending(db, migrations).await?.is_empty() {
        Migrator(migrations).up(conn, None).await?;
    }
    Ok(())
}

/// Ours that have not run. Those of a newer program are left alone: the program before must start
/// on tables that the next one has already migrated, or there is no way back.
pub(super) async fn pending(
    db: &Db,
    migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
) -> Result<Vec<String>> {
    let conn = &db.0.writer;
    let mut applied = HashSet::new();
    if SchemaManager::new(conn).has_table(TABLE).await? {
        let query = Query::select().column("version").from(TABLE).to_owned();
        for row in conn.query_all(&query).await? {
            applied.insert(row.try_get::<String>("", "version")?);
        }
    }
    let ours = Migrator(migrations).migrations();
    Ok(ours.iter().map(|m| m.name().to_owned()).filter(|name| !applied.contains(name)).collect())
}
