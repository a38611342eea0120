//! `perennial simulate`: a service under a seed, on a throw-away database.

use crate::cli;
use perennial_loyalty::simulation::{self, Options, Report};
use perennial_platform::config::DatabaseConfig;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use std::process::ExitCode;
use tempfile::TempDir;

/// Connections of a process to Postgres.
const CONNECTIONS: u32 = 6;

/// Simulates and prints; success only when nothing is wrong and nothing is missing.
pub async fn run(options: &cli::Simulate) -> anyhow::Result<ExitCode> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => fresh_seed()?,
    };
    let folder = TempDir::new()?;
    let throw_away = match &options.postgres {
        Some(server) => Some(ThrowAway::create(server, seed).await?),
        None => None,
    };
    let database = throw_away.as_ref().map_or_else(DatabaseConfig::default, ThrowAway::config);
    let path = folder.path().to_owned();
    let wanted = Options { seed, operations: options.ops, folder: path, database };
    // One thread, so that a seed repeats itself.
    let running = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        anyhow::Ok(runtime.block_on(simulation::run(&wanted))?)
    });
    let report = running.await?;
    if let Some(throw_away) = throw_away {
        throw_away.drop().await?;
    }
    let report = report?;
    print(&report, options);
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, options: &cli::Simulate) {
    print!("{report}");
    let (seed, ops) = (report.seed, options.ops);
    let postgres = options.postgres.as_ref().map_or("", |_| " --postgres <url>");
    println!("replay: perennial simulate loyalty --seed {seed} --ops {ops}{postgres}");
}

fn fresh_seed() -> anyhow::Result<u64> {
    let bytes = perennial_platform::vault::Vault::generate_master()?;
    Ok(bytes.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte)))
}

/// A database on somebody's server.
struct ThrowAway {
    admin: DatabaseConnection,
    server: String,
    name: String,
}

impl ThrowAway {
    async fn create(server: &str, seed: u64) -> anyhow::Result<Self> {
        let mut options = ConnectOptions::new(server);
        options.max_connections(1).sqlx_logging(false);
        let admin = Database::connect(options).await?;
        let name = format!("perennial_simulate_{}_{seed}", std::process::id());
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        let server = server.rsplit_once('/').map_or(server, |(address, _)| address).to_owned();
        Ok(Self { admin, server, name })
    }

    fn config(&self) -> DatabaseConfig {
        let url = format!("{}/{}", self.server, self.name);
        DatabaseConfig { url, max_connections: CONNECTIONS, ..DatabaseConfig::default() }
    }

    async fn drop(self) -> anyhow::Result<()> {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.admin.execute_unprepared(&statement).await?;
        Ok(())
    }
}
