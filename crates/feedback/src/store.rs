//! What is on disk, as functions over a connection. Rows stay in here; domain values come out.
//!
//! A ticket is its events; the columns of `tickets` and all of `clocks` are the fold over them,
//! kept to search by. [`tickets::save`] writes both in one go, and `check` compares them.

mod changes;
pub(crate) mod clocks;
pub(crate) mod customers;
pub(crate) mod feedback;
pub(crate) mod levels;
pub(crate) mod messages;
mod migrations;
mod plans;
pub(crate) mod reports;
mod rows;
pub(crate) mod search;
pub(crate) mod tickets;

pub use migrations::migrations;

use crate::domain::kinds::Coded;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use perennial_platform::error::{Error, Result};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

/// Rows in one INSERT: SQLite binds at most 32,766 values, and the widest row has 16 columns.
const ROWS_PER_INSERT: usize = 2_000;

/// Reads a code of the domain from a column. Errors: INTERNAL for a number without a meaning.
fn decode<T: Coded>(code: i16) -> Result<T> {
    T::from_code(code.into()).ok_or_else(|| Error::internal(format!("a column holds code {code}")))
}

/// The rows whose `column` has one of these values, however many these are: in the order of the
/// query if the values have that order.
async fn listed<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    column: E::Column,
    values: Vec<Uuid>,
) -> Result<Vec<E::Model>> {
    let mut found = Vec::with_capacity(values.len());
    for some in values.chunks(MAX_LISTED) {
        let query = rows.clone().filter(one_of(db, column, some.to_vec()));
        found.extend(query.all(db).await?);
    }
    Ok(found)
}

/// The different values of `user` in rows where `kept` is not null, in order, after `after`.
async fn users_with<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    user: E::Column,
    kept: E::Column,
    after: &str,
    limit: u64,
) -> Result<Vec<String>> {
    let query = rows.select_only().column(user).distinct();
    let query = query.filter(kept.is_not_null()).filter(user.gt(after));
    Ok(query.order_by_asc(user).limit(limit).into_tuple().all(db).await?)
}
