//! The same posting without Perennial, but set by set: one writer, a thousand in a transaction.
//! It is what group commit could reach at most on this server.

use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use sea_orm::sqlx::{self, PgPool};
use std::path::Path;
use std::time::{Duration, Instant};

/// Postings in one transaction.
const BATCH: i64 = 1_024;

const STATEMENTS: [&str; 4] = [
    "INSERT INTO base_requests SELECT id, 1 FROM UNNEST($1::text[], $2::bigint[]) AS sent (id, a)",
    "UPDATE base_accounts SET balance = balance + s.n FROM (SELECT a, count(*) AS n \
     FROM UNNEST($1::text[], $2::bigint[]) AS sent (id, a) GROUP BY a) AS s WHERE base_accounts.id = s.a",
    "INSERT INTO base_entries SELECT id, a, 1 FROM UNNEST($1::text[], $2::bigint[]) AS sent (id, a)",
    "INSERT INTO base_events SELECT id, 'earned', a \
     FROM UNNEST($1::text[], $2::bigint[]) AS sent (id, a)",
];

/// Postings a second, in the tables of the baseline that pgbench used.
pub(super) async fn postgres(url: &str, folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let config = DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() };
    let db = Db::open("baseline", &config, folder).await?;
    let pool: PgPool = db.read().get_postgres_connection_pool().clone();
    let accounts = i64::try_from(super::baseline::ACCOUNTS)?;
    let mut done = 0;
    let start = Instant::now();
    while start.elapsed() < time {
        let ids: Vec<String> = (done..done + BATCH).map(|n| format!("raw-{n}")).collect();
        let each: Vec<i64> = (done..done + BATCH).map(|n| n * 7_919 % accounts + 1).collect();
        let mut tx = pool.begin().await?;
        for statement in STATEMENTS {
            sqlx::query(statement).bind(&ids).bind(&each).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        done += BATCH;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 postings")]
    let rate = done as f64 / start.elapsed().as_secs_f64();
    db.close().await;
    Ok(rate)
}
