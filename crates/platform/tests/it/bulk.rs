//! Many rows in one statement: every type of column, with and without a value; and writes that
//! wait until the transaction reads or commits.

use crate::tally;
use chrono::{DateTime, Utc};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::db::{Db, Engine, Tx};
use perennial_platform::error::Code;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::tasks::Tasks;
use perennial_proto::identity::v1::UserErased;
use perennial_testkit::TestDatabase;
use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryOrder, Schema, Statement,
};
use std::time::Duration;
use uuid::Uuid;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "kinds")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub text: String,
        pub maybe_text: Option<String>,
        pub maybe_bytes: Option<Vec<u8>>,
        pub maybe_small: Option<i16>,
        pub maybe_int: Option<i32>,
        pub maybe_big: Option<i64>,
        pub maybe_bool: Option<bool>,
        pub maybe_uuid: Option<Uuid>,
        pub maybe_time: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

fn empty(id: i64) -> row::Model {
    row::Model {
        id,
        text: String::new(),
        maybe_text: None,
        maybe_bytes: None,
        maybe_small: None,
        maybe_int: None,
        maybe_big: None,
        maybe_bool: None,
        maybe_uuid: None,
        maybe_time: None,
    }
}

fn full(id: i64, text: &str, bytes: &[u8]) -> row::Model {
    let time = "2026-01-02T03:04:05.678901Z".parse::<DateTime<Utc>>().unwrap();
    row::Model {
        id,
        text: text.to_owned(),
        maybe_text: Some(text.to_owned()),
        maybe_bytes: Some(bytes.to_vec()),
        maybe_small: Some(i16::MIN),
        maybe_int: Some(-1),
        maybe_big: Some(i64::MAX),
        maybe_bool: Some(false),
        maybe_uuid: Some(Uuid::nil()),
        maybe_time: Some(time),
    }
}

#[tokio::test]
async fn what_is_written_is_what_is_read_null_or_not() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let rows = vec![empty(1), full(2, "", b""), full(3, "=$1 'quoted' \u{4f60}", &[0, 255])];
    let tx = db.begin().await.unwrap();
    let table = Schema::new(tx.get_database_backend()).create_table_from_entity(row::Entity);
    tx.execute(&table).await.unwrap();
    let new = rows.iter().cloned().map(IntoActiveModel::into_active_model).collect();
    write(&tx, new, Known::Refuse).await.unwrap();
    // Twice to one table, and one to another, all still waiting on Postgres.
    let again = vec![full(1, "changed", b"x").into_active_model()];
    write(&tx, again, Known::Replace(row::Column::Id)).await.unwrap();
    let other = tally::row::Model { name: "beside".to_owned(), count: 3 };
    write(&tx, vec![other.into_active_model()], Known::Refuse).await.unwrap();
    let seen = row::Entity::find().order_by_asc(row::Column::Id).all(&tx).await.unwrap();
    assert_eq!(seen[0], full(1, "changed", b"x"));
    assert_eq!(seen[1..], rows[1..]);
    let back = vec![empty(1).into_active_model()];
    write(&tx, back, Known::Replace(row::Column::Id)).await.unwrap();
    tx.commit().await.unwrap();
    let kept = row::Entity::find().order_by_asc(row::Column::Id).all(db.read()).await.unwrap();
    assert_eq!(kept, rows);
    assert_eq!(tally::count(&db, "beside").await, 3);
}

#[tokio::test]
async fn a_key_that_is_there_undoes_the_whole_at_the_latest_with_the_commit() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let row = |name: &str| tally::row::Model { name: name.to_owned(), count: 1 };
    let tx = db.begin().await.unwrap();
    write(&tx, vec![row("a").into_active_model()], Known::Refuse).await.unwrap();
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    let both = vec![row("b").into_active_model(), row("a").into_active_model()];
    let outcome = match write(&tx, both, Known::Refuse).await {
        Ok(()) => tx.commit().await,
        Err(error) => tx.rollback().await.and(Err(error)),
    };
    assert_eq!(outcome.unwrap_err().code(), Code::Aborted);
    assert_eq!(tally::count(&db, "b").await, 0);
}

/// A transaction that tells an event and has a write of "one" still to send.
async fn tells(db: &Db, count: i64) -> Tx {
    let tx = db.begin().await.unwrap();
    let one = tally::row::Model { name: "one".to_owned(), count }.into_active_model();
    write(&tx, vec![one], Known::Replace(tally::row::Column::Name)).await.unwrap();
    events::append(&tx, [NewEvent::of(DateTime::UNIX_EPOCH, "one", &UserErased::default())]);
    tx
}

/// Asked for any sooner, the lock of the log would be held while its holder waits for the row of
/// another who waits for the lock.
#[tokio::test]
async fn the_lock_of_the_log_comes_after_writes_that_may_wait_for_others() {
    if TestDatabase::engine() != Engine::Postgres {
        return; // SQLite has one writer; nobody waits for a row.
    }
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let first = tells(&db, 1).await;
    // Whoever reads sends what waits: from here on the row is locked.
    tally::row::Entity::find().all(&first).await.unwrap();
    let second = tells(&db, 2).await;
    let second = Tasks::new().spawn(second.commit());
    let waits = "SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted";
    let waits = Statement::from_string(DbBackend::Postgres, waits);
    while db.read().query_one_raw(waits.clone()).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(tally::count(&db, "one").await, 2);
}
