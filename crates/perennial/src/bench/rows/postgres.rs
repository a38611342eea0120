//! On Postgres, in a schema of its own beside the tables of loyalty.

use super::super::baseline;
use super::{Ids, insert, with};
use anyhow::Context as _;
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use sea_orm::ConnectionTrait;
use sea_orm::sqlx::{self, AssertSqlSafe, PgPool};
use std::path::Path;
use std::time::{Duration, Instant};

/// Earnings in one transaction of the one writer.
const BATCH: i64 = 1_024;

const IDS: Ids = Ids { ordered: "lpad(to_hex(n), 32, '0')::uuid", random: "gen_random_uuid()" };

const MEMBERS: &str = "UPDATE same.members AS m SET available = available + s.points, \
    issued = issued + s.points FROM (SELECT u, count(*) AS points FROM sent GROUP BY u) AS s \
    WHERE m.user_id = s.u";

/// Rates of the same rows, an earning each.
pub(in super::super) struct Rates {
    /// By pgbench, 32 clients, a transaction each.
    pub(in super::super) singly: f64,
    /// By one writer with bare sqlx, 1,024 a transaction.
    pub(in super::super) together: f64,
}

/// Measures in the database of loyalty.
pub(in super::super) async fn postgres(
    pgbench: &Path,
    url: &str,
    folder: &Path,
    time: Duration,
) -> anyhow::Result<Rates> {
    let config = DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() };
    let db = Db::open("same rows", &config, folder).await?;
    let pool = db.read().get_postgres_connection_pool().clone();
    prepare(&db).await?;
    let inserts = inserts(&pool).await?;
    let script = singly(&inserts).join(";\n");
    let script = format!("\\set account random(0, 9999)\nBEGIN;\n{script};\nEND;\n");
    let singly = baseline::pgbench(pgbench, url, folder, &script, time).await?;
    let together = together(&pool, &inserts, time).await?;
    db.close().await;
    Ok(Rates { singly, together })
}

async fn prepare(db: &Db) -> anyhow::Result<()> {
    let connection = db.read();
    connection.execute_unprepared("CREATE SCHEMA same; CREATE SEQUENCE same.n").await?;
    let tables = IDS.tables().map(|(table, _)| table);
    for table in tables.into_iter().chain(["members"]) {
        let like = format!("CREATE TABLE same.{table} (LIKE public.{table} INCLUDING ALL)");
        connection.execute_unprepared(&like).await?;
    }
    for table in tables {
        let one = format!("CREATE TABLE same.copied_{table} AS SELECT * FROM {table} LIMIT 1");
        connection.execute_unprepared(&one).await?;
    }
    connection
        .execute_unprepared("INSERT INTO same.members SELECT * FROM public.members; ANALYZE")
        .await?;
    Ok(())
}

/// The inserts of an earning, reading `n` and `u` of each from `sent`.
async fn inserts(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let mut inserts = Vec::new();
    for (table, own) in IDS.tables() {
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position",
        )
        .bind(table)
        .fetch_all(pool)
        .await
        .with_context(|| format!("the columns of {table}"))?;
        let (into, copied) = (format!("same.{table}"), format!("same.copied_{table}"));
        inserts.push(insert(&into, &copied, &columns, &own));
    }
    Ok(inserts)
}

/// For pgbench: the first statement gives the earning its number.
fn singly(inserts: &[String]) -> Vec<String> {
    let numbers = ["nextval"].into_iter().chain(std::iter::repeat("currval"));
    let all = inserts.iter().map(String::as_str).chain([MEMBERS]);
    numbers
        .zip(all)
        .map(|(number, statement)| {
            with(&format!("{number}('same.n') AS n, 'member-' || :account AS u"), statement)
        })
        .collect()
}

async fn together(pool: &PgPool, inserts: &[String], time: Duration) -> anyhow::Result<f64> {
    let sent = "* FROM UNNEST($1::bigint[], $2::text[]) AS each (n, u)";
    let all = inserts.iter().map(String::as_str).chain([MEMBERS]);
    let statements: Vec<String> = all.map(|statement| with(sent, statement)).collect();
    // After all that pgbench used.
    let first: i64 = 1_000_000_000;
    let accounts = i64::try_from(baseline::ACCOUNTS)?;
    let mut next = first;
    let start = Instant::now();
    while start.elapsed() < time {
        let numbers: Vec<i64> = (next..next + BATCH).collect();
        let users: Vec<String> =
            numbers.iter().map(|n| format!("member-{}", n * 7_919 % accounts)).collect();
        let mut tx = pool.begin().await?;
        for statement in &statements {
            let statement = sqlx::query(AssertSqlSafe(statement.as_str()));
            statement.bind(&numbers).bind(&users).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        next += BATCH;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 earnings")]
    let rate = (next - first) as f64 / start.elapsed().as_secs_f64();
    Ok(rate)
}
