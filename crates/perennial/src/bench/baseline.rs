//! What the same work costs without Perennial: four statements a transaction, one transaction a
//! call, synced at commit: a key against repetition, the account, the entry, the event.

use anyhow::{Context as _, bail};
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use sea_orm::{ConnectionTrait, Statement};
use std::path::Path;
use std::time::{Duration, Instant};

/// Accounts that the load is spread over.
pub(super) const ACCOUNTS: u64 = 10_000;

/// Connections of pgbench.
const CLIENTS: &str = "32";

const TABLES: [&str; 4] = [
    "CREATE TABLE base_requests (id VARCHAR(64) PRIMARY KEY, answer BIGINT NOT NULL)",
    "CREATE TABLE base_accounts (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)",
    "CREATE TABLE base_entries (id VARCHAR(64) PRIMARY KEY, account BIGINT NOT NULL, points BIGINT NOT NULL)",
    "CREATE TABLE base_events (id VARCHAR(64) PRIMARY KEY, kind VARCHAR(64) NOT NULL, account BIGINT NOT NULL)",
];

async fn prepare(connection: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
    for table in TABLES {
        connection.execute_unprepared(table).await?;
    }
    let first: Vec<String> = (1..=ACCOUNTS).map(|id| format!("({id}, 0)")).collect();
    let fill = format!("INSERT INTO base_accounts VALUES {}", first.join(", "));
    connection.execute_unprepared(&fill).await?;
    Ok(())
}

/// Transactions a second on SQLite: one after the other, as SQLite writes them whoever asks.
pub(super) async fn sqlite(folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let db = Db::open("baseline", &DatabaseConfig::default(), folder).await?;
    let tx = db.begin().await?;
    prepare(&tx).await?;
    tx.commit().await?;
    let mut done = 0_u32;
    let start = Instant::now();
    while start.elapsed() < time {
        let id = format!("call-{done}");
        let account = i64::from(done) * 7_919 % i64::try_from(ACCOUNTS)? + 1;
        let tx = db.begin().await?;
        for (sql, values) in [
            ("INSERT INTO base_requests VALUES (?, 1)", vec![id.clone().into()]),
            ("UPDATE base_accounts SET balance = balance + 1 WHERE id = ?", vec![account.into()]),
            ("INSERT INTO base_entries VALUES (?, ?, 1)", vec![id.clone().into(), account.into()]),
            ("INSERT INTO base_events VALUES (?, 'earned', ?)", vec![id.into(), account.into()]),
        ] {
            let statement = Statement::from_sql_and_values(sea_orm::DbBackend::Sqlite, sql, values);
            tx.execute_raw(statement).await?;
        }
        tx.commit().await?;
        done += 1;
    }
    let rate = f64::from(done) / start.elapsed().as_secs_f64();
    db.close().await;
    Ok(rate)
}

const SCRIPT: &str = "\
\\set account random(1, 10000)
BEGIN;
INSERT INTO base_requests VALUES (gen_random_uuid()::text, 1);
UPDATE base_accounts SET balance = balance + 1 WHERE id = :account;
INSERT INTO base_entries VALUES (gen_random_uuid()::text, :account, 1);
INSERT INTO base_events VALUES (gen_random_uuid()::text, 'earned', :account);
END;
";

/// Transactions a second on Postgres.
pub(super) async fn postgres(
    pgbench: &Path,
    url: &str,
    folder: &Path,
    time: Duration,
) -> anyhow::Result<f64> {
    let config = DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() };
    let db = Db::open("baseline", &config, folder).await?;
    prepare(db.read()).await?;
    db.close().await;
    self::pgbench(pgbench, url, folder, SCRIPT, time).await
}

/// Transactions a second of a script, by pgbench with 32 clients and prepared statements.
pub(super) async fn pgbench(
    pgbench: &Path,
    url: &str,
    folder: &Path,
    script: &str,
    time: Duration,
) -> anyhow::Result<f64> {
    let file = folder.join("baseline.sql");
    std::fs::write(&file, script)?;
    let seconds = time.as_secs().max(1).to_string();
    let output = tokio::process::Command::new(pgbench)
        .args(["-n", "-M", "prepared", "-c", CLIENTS, "-j", "2", "-T", &seconds, "-f"])
        .arg(&file)
        .arg(url)
        .output()
        .await
        .with_context(|| format!("{} did not start; name it with --pgbench", pgbench.display()))?;
    if !output.status.success() {
        bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("pgbench printed no rate:\n{text}"))
}
