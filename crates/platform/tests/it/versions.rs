//! Two versions of the program on one database, as during an upgrade or on the way back.

use crate::tally;
use perennial_testkit::TestDatabase;
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn the_version_before_starts_on_newer_tables() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let tx = db.begin().await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m0099_later', 1)";
    tx.execute_unprepared(newer).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(db.pending(tally::migrations).await.unwrap(), Vec::<String>::new());
    db.migrate(tally::migrations).await.unwrap();
}
