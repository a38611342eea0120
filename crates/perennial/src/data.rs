//! `perennial migrate` and `perennial check`: the databases, without a server around them.

use crate::cli::{self, Service};
use crate::config::Config;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use sea_orm_migration::MigrationTrait;
use std::path::PathBuf;
use std::process::ExitCode;

/// Brings tables up to date.
pub async fn migrate(target: &cli::Target) -> anyhow::Result<()> {
    let config = Config::load(&target.settings)?;
    for service in target.service.each() {
        let db = open(service, &config).await?;
        db.migrate(migrations(service)).await?;
        println!("{service}: up to date");
        db.close().await;
    }
    Ok(())
}

/// Looks for broken invariants and prints each; success only when there is none.
pub async fn check(options: &cli::Check) -> anyhow::Result<ExitCode> {
    let config = Config::load(&options.target.settings)?;
    let now = options.clock.clock().now();
    let mut broken = 0;
    for service in options.target.service.each() {
        if let Some(path) = missing_file(service, &config) {
            println!("{service}: no data yet ({} does not exist)", path.display());
            broken += 1;
            continue;
        }
        let db = open(service, &config).await?;
        let findings = if db.pending(migrations(service)).await?.is_empty() {
            findings(service, &config, &db, now).await?
        } else {
            vec!["the tables are older than this program: run `perennial migrate`".to_owned()]
        };
        println!("{service}: {}", if findings.is_empty() { "in order" } else { "BROKEN" });
        for finding in &findings {
            println!("  {finding}");
        }
        broken += findings.len();
        db.close().await;
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the service itself finds wrong.
async fn findings(
    service: Service,
    config: &Config,
    db: &Db,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    match service {
        Service::Identity | Service::All => {
            perennial_identity::check(&config.identity, db, now).await
        }
        Service::Feedback => perennial_feedback::check(&config.feedback, db, now).await,
        Service::Loyalty => perennial_loyalty::check(db, &config.loyalty).await,
        Service::Notification => perennial_notification::check(&config.notification, db, now).await,
    }
}

fn migrations(service: Service) -> fn() -> Vec<Box<dyn MigrationTrait>> {
    match service {
        Service::Identity | Service::All => perennial_identity::migrations,
        Service::Feedback => perennial_feedback::migrations,
        Service::Loyalty => perennial_loyalty::migrations,
        Service::Notification => perennial_notification::migrations,
    }
}

/// The database of a service, without touching its tables.
pub(crate) async fn open(service: Service, config: &Config) -> Result<Db> {
    Db::open(&service.to_string(), database(service, config), &config.data).await
}

/// The SQLite file of a service, when it does not exist: opening it would make it.
pub(crate) fn missing_file(service: Service, config: &Config) -> Option<PathBuf> {
    let url = database(service, config).url_for(&service.to_string(), &config.data);
    url.strip_prefix("sqlite://").map(PathBuf::from).filter(|path| !path.exists())
}

fn database(service: Service, config: &Config) -> &DatabaseConfig {
    match service {
        Service::Identity | Service::All => &config.identity.database,
        Service::Feedback => &config.feedback.database,
        Service::Loyalty => &config.loyalty.database,
        Service::Notification => &config.notification.database,
    }
}
