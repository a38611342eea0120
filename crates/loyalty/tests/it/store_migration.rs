//! A ledger of the first release goes on under this one.

use perennial_loyalty::{Config, check, migrations};
use perennial_platform::db::Db;
use perennial_testkit::TestDatabase;
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigrationTrait;
use std::path::Path;

/// The tables as they were first shipped.
fn first() -> Vec<Box<dyn MigrationTrait>> {
    migrations().into_iter().take(4).collect()
}

/// One member who earned 100 points and spent 30, written as the first release did.
const LEDGER: [&str; 5] = [
    "INSERT INTO members VALUES ('ann', '2026-01-05 09:00:00+00:00', NULL, 70, 0, 0, 0, 100, 30, 0, 0)",
    "INSERT INTO entries VALUES (1, $1, 'ann', 1, 100, -100, 100, 0, 0, 0, 0, 0, 0, 100, NULL, NULL, \
     '', '', '', '', '', '', '2026-01-05 09:00:00+00:00', '2026-01-05 09:00:00+00:00', NULL)",
    "INSERT INTO entries VALUES (2, $2, 'ann', 2, 30, 0, -30, 0, 0, 30, 0, 0, 0, 70, NULL, NULL, \
     '', '', '', '', '', '', '2026-01-05 09:00:00+00:00', '2026-01-05 09:00:00+00:00', NULL)",
    "INSERT INTO lots VALUES ($1, 'ann', 1, 100, 70, 0, 0, NULL, '2026-01-05 09:00:00+00:00', NULL)",
    "INSERT INTO allocations VALUES (2, 0, $1, 30)",
];

#[tokio::test]
async fn a_ledger_of_the_first_release_goes_on() {
    let database = TestDatabase::fresh().await;
    let config = Config { database: database.config(), ..Config::default() };
    let db = Db::open("loyalty", &config.database, Path::new(".")).await.unwrap();
    db.migrate(first).await.unwrap();
    let tx = db.begin().await.unwrap();
    let id = |n: u8| match TestDatabase::engine() {
        perennial_platform::db::Engine::Sqlite => format!("X'{}'", format!("{n:02x}").repeat(16)),
        perennial_platform::db::Engine::Postgres => format!("'{}'", format!("{n:02x}").repeat(16)),
    };
    for statement in LEDGER {
        let statement = statement.replace("$1", &id(1)).replace("$2", &id(2));
        tx.execute_unprepared(&statement).await.unwrap();
    }
    let head = "UPDATE ledger_head SET seq = 2, recorded_at = '2026-01-05 09:00:00+00:00'";
    tx.execute_unprepared(head).await.unwrap();
    tx.commit().await.unwrap();
    db.migrate(migrations).await.unwrap();
    assert_eq!(check(&db, &config).await.unwrap(), Vec::<String>::new());
    // The new table keeps what the old one refused.
    for wrong in [
        "UPDATE entries SET transfer = 1 WHERE seq = 1",
        "UPDATE entries SET available = 99 WHERE seq = 1",
        "UPDATE lots SET pending = 31",
        "UPDATE lots SET pending = -1",
    ] {
        let tx = db.begin().await.unwrap();
        assert!(tx.execute_unprepared(wrong).await.is_err(), "{wrong}");
        tx.rollback().await.unwrap();
    }
    db.close().await;
}
