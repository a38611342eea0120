//! `perennial backup`: copies of SQLite files that all stand at one moment, taken while the suite
//! runs.
//!
//! The services read each other's logs, so copies of different moments would contradict each other.
//! Every file's one place for a writer is taken first and kept until all copies are made: calls
//! that write wait meanwhile, calls that read do not.

use crate::cli::{self, Service};
use crate::config::Config;
use crate::data;
use anyhow::{Context as _, bail, ensure};
use perennial_platform::db::{Db, Engine};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use std::path::Path;
use std::time::Instant;

/// Copies the files into a folder.
pub async fn run(options: &cli::Backup) -> anyhow::Result<()> {
    let config = Config::load(&options.target.settings)?;
    let services = options.target.service.each();
    let mut open = Vec::new();
    for service in &services {
        if let Some(path) = data::missing_file(*service, &config) {
            bail!("{service}: no data yet ({} does not exist)", path.display());
        }
        let db = data::open(*service, &config).await?;
        ensure!(
            db.engine() == Engine::Sqlite,
            "{service} is kept in Postgres: back it up with pg_basebackup (docs/operations.md)"
        );
        open.push((*service, db));
    }
    std::fs::create_dir_all(&options.to)
        .with_context(|| format!("cannot make {}", options.to.display()))?;
    let mut held = Vec::new();
    for (service, db) in &open {
        held.push(db.begin().await.with_context(|| format!("{service} is too busy"))?);
    }
    let begin = Instant::now();
    for (service, db) in &open {
        copy(*service, db, &options.to).await?;
    }
    for tx in held {
        tx.rollback().await?;
    }
    let waited = begin.elapsed().as_millis();
    for (_, db) in open {
        db.close().await;
    }
    println!("writers waited for {waited} ms");
    println!("the master key is not among the copies: keep it elsewhere");
    Ok(())
}

/// One compact file, synced; it has to be a new one.
async fn copy(service: Service, db: &Db, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(format!("{service}.db"));
    ensure!(!path.exists(), "{} exists already", path.display());
    let name = path.to_str().context("the folder's name is not UTF-8")?;
    let statement =
        Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()]);
    db.read().execute_raw(statement).await.with_context(|| format!("cannot copy {service}"))?;
    std::fs::File::open(&path).and_then(|file| file.sync_all())?;
    println!("{service}: {} bytes in {}", path.metadata()?.len(), path.display());
    Ok(())
}
