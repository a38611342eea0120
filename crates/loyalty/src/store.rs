//! The tables: functions over a connection or a transaction, whole sets at a time.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod entries;
pub(crate) mod facts;
pub(crate) mod head;
pub(crate) mod holds;
pub(crate) mod lots;
mod migrations;
mod rows;
pub(crate) mod standings;
pub(crate) mod totals;

pub use migrations::migrations;

use perennial_platform::{Error, Result};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Iterable};

/// Values that both databases bind in one statement (SQLite's limit).
const MAX_BOUND: usize = 32_766;
/// Values in an IN list at most.
const MAX_LISTED: usize = 10_000;

/// Inserts rows, or changes those that are there when `conflict` says how.
async fn write<A>(
    conn: &impl ConnectionTrait,
    rows: Vec<A>,
    conflict: Option<OnConflict>,
) -> Result<()>
where
    A: ActiveModelTrait + Send,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows.by_ref().take(MAX_BOUND / columns).collect();
        let insert = <A::Entity as EntityTrait>::insert_many(chunk);
        match &conflict {
            Some(conflict) => insert.on_conflict(conflict.clone()).exec_without_returning(conn),
            None => insert.exec_without_returning(conn),
        }
        .await?;
    }
    Ok(())
}

/// A conflict on `key` that replaces every other column.
fn replace<C: sea_orm::ColumnTrait>(key: C) -> OnConflict {
    let others = C::iter().filter(|column| column.as_str() != key.as_str());
    OnConflict::column(key).update_columns(others).to_owned()
}

/// A row that this program cannot have written.
fn damaged(table: &'static str, what: impl std::fmt::Display) -> Error {
    Error::internal(format!("a row of {table} cannot be read: {what}"))
}
