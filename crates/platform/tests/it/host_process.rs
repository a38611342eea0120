//! A process from start to end: databases, lines for writes, background work, and nothing left.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use perennial_platform::clock::Clock;
use perennial_platform::commit::Committer;
use perennial_platform::config::{DatabaseConfig, PlatformConfig};
use perennial_platform::host::Host;
use perennial_platform::jobs::Job;
use perennial_platform::process::Process;
use perennial_platform::{Code, Result};
use perennial_testkit::TestDatabase;

use crate::host_support::{channel, eventually, spawn};
use crate::tally::{self, Tally};

/// Holds a line for writes as the jobs of services do, and has work at every wake-up.
struct Adding {
    line: Committer<Tally>,
    runs: Arc<AtomicU64>,
    due: AtomicU64,
}

impl Job for Adding {
    const NAME: &'static str = "test.adding";

    fn every(&self) -> Duration {
        Duration::from_millis(10)
    }

    async fn run_once(&self) -> Result<u64> {
        self.line.submit(None, "job".to_owned()).await?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        Ok(self.due.fetch_xor(1, Ordering::Relaxed))
    }
}

struct Running {
    process: Process,
    host: Host,
    runs: Arc<AtomicU64>,
    _data: tempfile::TempDir,
}

async fn running(database: &DatabaseConfig) -> Result<Running> {
    let data = tempfile::tempdir().unwrap();
    let config = PlatformConfig {
        data: data.path().to_owned(),
        // The same at every start, as the database will have it.
        master_key: Some("07".repeat(32).into()),
        ..Default::default()
    };
    let process = Process::new(&config, Clock::system())?;
    let mut host = Host::new(&process, "tally", (Ipv4Addr::LOCALHOST, 0).into())?;
    let db = host.database(database, tally::migrations).await?;
    let line = host.committer("tally", &db, Tally::default());
    let runs = Arc::new(AtomicU64::new(0));
    host.job(&db, Adding { line, runs: Arc::clone(&runs), due: AtomicU64::new(1) });
    Ok(Running { process, host, runs, _data: data })
}

#[tokio::test]
async fn a_process_runs_its_work_and_ends_when_told() {
    let database = TestDatabase::fresh().await;
    let Running { process, host, runs, _data } = running(&database.config()).await.unwrap();
    let health = channel(host.address());
    let stop = process.tasks().clone();
    let run = spawn(async move { process.run(vec![host]).await });
    eventually(async || runs.load(Ordering::Relaxed) > 5).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(health);
    health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
    let started = Instant::now();
    stop.stop();
    run.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn old_tables_are_refused_when_nobody_may_migrate_at_start() {
    let database = TestDatabase::fresh().await;
    let config = DatabaseConfig { migrate_on_start: false, ..database.config() };
    let error = running(&config).await.err().unwrap();
    assert_eq!(error.reason(), "MIGRATIONS_PENDING");
    running(&database.config()).await.unwrap();
    running(&config).await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named_before_anything_is_done() {
    let data = tempfile::tempdir().unwrap();
    let config = PlatformConfig { data: data.path().to_owned(), ..Default::default() };
    let process = Process::new(&config, Clock::system()).unwrap();
    let first = Host::new(&process, "first", (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let error = Host::new(&process, "second", first.address()).err().unwrap();
    assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, "ADDRESS_UNAVAILABLE"));
}
