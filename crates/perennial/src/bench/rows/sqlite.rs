//! On SQLite, in the tables of loyalty themselves, emptied, once nobody needs them any more.

use super::super::baseline::ACCOUNTS;
use super::{Ids, insert, with};
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::{Db, Tx};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use std::path::Path;
use std::time::{Duration, Instant};

const IDS: Ids = Ids { ordered: "unhex(printf('%032x', n))", random: "randomblob(16)" };

const MEMBER: &str = "UPDATE members SET available = available + 1, issued = issued + 1 \
    WHERE user_id = (SELECT u FROM sent)";

/// Earnings a second, a transaction each, one after the other: as SQLite writes them whoever asks.
pub(in super::super) async fn sqlite(folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let db = Db::open("loyalty", &DatabaseConfig::default(), folder).await?;
    let tx = db.begin().await?;
    let statements = prepare(&tx).await?;
    tx.commit().await?;
    let mut done = 0_u32;
    let start = Instant::now();
    while start.elapsed() < time {
        let user = format!("member-{}", u64::from(done) * 7_919 % ACCOUNTS);
        let tx = db.begin().await?;
        for sql in &statements {
            let values = [(i64::from(done) + 1).into(), user.as_str().into()];
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
            tx.execute_raw(statement).await?;
        }
        tx.commit().await?;
        done += 1;
    }
    let rate = f64::from(done) / start.elapsed().as_secs_f64();
    db.close().await;
    Ok(rate)
}

#[derive(FromQueryResult)]
struct Column {
    name: String,
}

/// Empties the tables; answers the statements of an earning.
async fn prepare(tx: &Tx) -> anyhow::Result<Vec<String>> {
    let mut statements = Vec::new();
    for (table, own) in IDS.tables() {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = Statement::from_string(DbBackend::Sqlite, columns);
        let columns = Column::find_by_statement(columns).all(tx).await?;
        let columns: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        let copied = format!("copied_{table}");
        let keep = format!("CREATE TABLE {copied} AS SELECT * FROM {table} LIMIT 1");
        tx.execute_unprepared(&keep).await?;
        tx.execute_unprepared(&format!("DELETE FROM {table}")).await?;
        statements.push(insert(table, &copied, &columns, &own));
    }
    statements.push(MEMBER.to_owned());
    Ok(statements.iter().map(|statement| with("? AS n, ? AS u", statement)).collect())
}
