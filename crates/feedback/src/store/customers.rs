//! Customers: the key of their words, and whether they pay.

use super::rows::customers::{ActiveModel, Column, Entity, Model};
use chrono::{DateTime, Utc};
use perennial_platform::error::Result;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeSet, HashMap};

/// What is known of a customer.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Wrapped key of their words.
    pub(crate) key: Option<Vec<u8>>,
    /// They have paid at least once.
    pub(crate) paying: bool,
    /// Erased, and not registered again.
    pub(crate) erased: bool,
}

impl From<Model> for Customer {
    fn from(row: Model) -> Self {
        Self {
            key: row.data_key,
            paying: row.paying_since.is_some(),
            erased: row.erased_at.is_some(),
        }
    }
}

/// Makes sure that these customers exist, and locks them in the order of their names: whoever
/// changes what they are (paying, erased) waits until the transaction ends.
pub(crate) async fn lock(
    db: &impl ConnectionTrait,
    users: &BTreeSet<&str>,
) -> Result<HashMap<String, Customer>> {
    let rows = users.iter().map(|user| ActiveModel {
        user_id: Set((*user).to_owned()),
        data_key: NotSet,
        paying_since: NotSet,
        erased_at: NotSet,
    });
    let there = OnConflict::column(Column::UserId).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(there).exec_without_returning(db).await?;
    let rows = Entity::find()
        .filter(Column::UserId.is_in(users.iter().copied()))
        .order_by_asc(Column::UserId)
        .lock_exclusive()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.into())).collect())
}

/// Whether a customer is known to have paid.
pub(crate) async fn is_paying(db: &impl ConnectionTrait, user: &str) -> Result<bool> {
    let row = Entity::find_by_id(user).one(db).await?;
    Ok(row.is_some_and(|row| row.paying_since.is_some()))
}

/// The wrapped keys of these customers, of those that have one.
pub(crate) async fn keys(
    db: &impl ConnectionTrait,
    users: &BTreeSet<&str>,
) -> Result<HashMap<String, Vec<u8>>> {
    let rows = Entity::find()
        .filter(Column::UserId.is_in(users.iter().copied()))
        .filter(Column::DataKey.is_not_null())
        .all(db)
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.user_id, row.data_key?))).collect())
}

/// Gives a locked customer a key.
pub(crate) async fn set_key(db: &impl ConnectionTrait, user: &str, key: Vec<u8>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::DataKey, Expr::value(key))
        .filter(Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Notes a purchase of a locked customer.
pub(crate) async fn set_paying(
    db: &impl ConnectionTrait,
    user: &str,
    since: DateTime<Utc>,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::PayingSince, Expr::value(since))
        .filter(Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Destroys the key of a locked customer, and forgets that they paid.
pub(crate) async fn erase(db: &impl ConnectionTrait, user: &str, at: DateTime<Utc>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::DataKey, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(Column::PayingSince, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::ErasedAt, Expr::value(at))
        .filter(Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes an erased customer for a new one.
pub(crate) async fn welcome_back(db: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::ErasedAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(Column::UserId.eq(user))
        .filter(Column::ErasedAt.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Customers without a key, among these.
pub(crate) async fn keyless(
    db: &impl ConnectionTrait,
    users: &BTreeSet<&str>,
) -> Result<BTreeSet<String>> {
    let with = keys(db, users).await?;
    let without = users.iter().filter(|user| !with.contains_key(**user));
    Ok(without.map(|user| (*user).to_owned()).collect())
}
