//! The tables: functions over a connection or a transaction, whole sets at a time.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod charges;
pub(crate) mod charity;
pub(crate) mod claims;
pub(crate) mod coupons;
pub(crate) mod entries;
pub(crate) mod facts;
pub(crate) mod grants;
pub(crate) mod head;
pub(crate) mod history;
pub(crate) mod holds;
pub(crate) mod incidents;
pub(crate) mod judgements;
pub(crate) mod lots;
pub(crate) mod memberships;
mod migrations;
pub(crate) mod notices;
pub(crate) mod progress;
pub(crate) mod redemptions;
pub(crate) mod referrals;
mod rows;
pub(crate) mod rules;
pub(crate) mod standings;
pub(crate) mod totals;
pub(crate) mod unlocks;
pub(crate) mod waiting;
pub(crate) mod warnings;

pub use migrations::migrations;

use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use perennial_platform::{Error, Result};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, Select, Value};

/// The rows of a query in which a column is one of these, however many there are.
async fn rows_of<E: EntityTrait, V: Clone + Into<Value>>(
    conn: &impl ConnectionTrait,
    query: Select<E>,
    column: E::Column,
    values: &[V],
) -> Result<Vec<E::Model>>
where
    Vec<V>: Into<Value>,
{
    let mut found = Vec::new();
    for some in values.chunks(MAX_LISTED) {
        let query = query.clone().filter(one_of(conn, column, some.to_vec()));
        found.extend(query.all(conn).await?);
    }
    Ok(found)
}

/// A row that this program cannot have written.
fn damaged(table: &'static str, what: impl std::fmt::Display) -> Error {
    Error::internal(format!("a row of {table} cannot be read: {what}"))
}
