//! Migrations: the platform's tables first, then the service's, one process at a time.

use super::{Db, Engine, tables};
use crate::error::Result;
use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

struct Migrator(fn() -> Vec<Box<dyn MigrationTrait>>);

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let mut all: Vec<Box<dyn MigrationTrait>> = vec![Box::new(tables::Migration)];
        all.extend((self.0)());
        all
    }
}

pub(super) async fn up(db: &Db, migrations: fn() -> Vec<Box<dyn MigrationTrait>>) -> Result<()> {
    // sea-orm-migration takes no lock of its own, and two replicas may start at once.
    let lock = match db.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => {
            let lock = db.0.writer.begin().await?;
            lock.execute_unprepared("SELECT pg_advisory_xact_lock(7304)").await?;
            Some(lock)
        }
    };
    Migrator(migrations).up(&db.0.writer, None).await?;
    if let Some(lock) = lock {
        lock.commit().await?;
    }
    Ok(())
}

pub(super) async fn pending(
    db: &Db,
    migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
) -> Result<Vec<String>> {
    let pending = Migrator(migrations).get_pending_migrations(&db.0.writer).await?;
    Ok(pending.iter().map(|m| m.name().to_owned()).collect())
}
