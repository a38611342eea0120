//! A service as small as can be: names with a count, for tests of what every service stands on.

use perennial_platform::clock::Clock;
use perennial_platform::commit::Batch;
use perennial_platform::db::{Db, Tx};
use perennial_platform::error::{Error, Result};
use perennial_platform::events::{self, NewEvent};
use perennial_proto::admin::v1::AdvanceResponse;
use perennial_proto::identity::v1::UserErased;
use perennial_testkit::TestDatabase;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, EntityTrait};
use sea_orm_migration::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tally")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub count: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "m0001_tally"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(row::Entity)
                    .col(ColumnDef::new(row::Column::Name).string().not_null().primary_key())
                    .col(ColumnDef::new(row::Column::Count).big_integer().not_null())
                    .to_owned(),
            )
            .await
    }
}

pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables)]
}

/// An empty tally in a fresh database.
pub(crate) async fn database(test: &TestDatabase) -> Db {
    let db = Db::open("tally", &test.config(), Path::new("/nonexistent")).await.unwrap();
    db.migrate(migrations).await.unwrap();
    db
}

pub(crate) fn clock() -> Clock {
    Clock::manual(chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap())
}

/// What the tally has for a name.
pub(crate) async fn count(db: &Db, name: &str) -> i64 {
    let row = row::Entity::find_by_id(name.to_owned()).one(db.read()).await.unwrap();
    row.map_or(0, |row| row.count)
}

/// Adds to a name in the transaction and tells the log.
pub(crate) async fn add(tx: &Tx, name: &str, by: i64) -> Result<()> {
    let row = row::ActiveModel { name: Set(name.to_owned()), count: Set(by) };
    let sum = Expr::col((row::Entity, row::Column::Count)).add(by);
    let more = OnConflict::column(row::Column::Name).value(row::Column::Count, sum).to_owned();
    row::Entity::insert(row).on_conflict(more).exec_without_returning(tx).await?;
    let event = UserErased { user_id: name.to_owned() };
    events::append(tx, [NewEvent::of(clock().now(), name, &event)]);
    Ok(())
}

/// Adds one to a name; negative names are refused, "panic" panics, "broken" breaks the batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Batches applied, failed ones included.
    pub(crate) batches: Arc<AtomicUsize>,
}

impl Batch for Tally {
    type Command = String;
    type Answer = AdvanceResponse;

    async fn apply(
        &self,
        tx: &Tx,
        _: chrono::DateTime<chrono::Utc>,
        commands: &[String],
    ) -> Result<Vec<Result<AdvanceResponse>>> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        let mut answers = Vec::new();
        for name in commands {
            match name.as_str() {
                "refused" => answers.push(Err(Error::precondition("REFUSED", "by rule"))),
                "broken" => return Err(Error::internal("a statement that failed")),
                "panic" => panic!("a bug in apply"),
                name => {
                    add(tx, name, 1).await?;
                    answers.push(Ok(AdvanceResponse { work_done: 1, time: None }));
                }
            }
        }
        Ok(answers)
    }
}
