//! Binds a database to the master key that its data was first sealed under.
//!
//! With another key the suite would start happily, fail to open what is there, and seal new
//! values under a second key. So the first start leaves a mark, and later ones compare.

use super::Db;
use super::tables::marks::{ActiveModel, Column, Entity};
use crate::error::{Error, Result};
use crate::vault::Vault;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use sea_orm::sea_query::OnConflict;

const MARK: &str = "master_key";

pub(super) async fn check(db: &Db, vault: &Vault) -> Result<()> {
    let expected = vault.lookup_hash("mark", MARK);
    let tx = db.begin().await?;
    let mark = ActiveModel { name: Set(MARK.to_owned()), value: Set(expected.clone()) };
    let first = OnConflict::column(Column::Name).do_nothing().to_owned();
    Entity::insert(mark).on_conflict(first).exec_without_returning(&tx).await?;
    let found = Entity::find_by_id(MARK.to_owned()).one(&tx).await?;
    tx.commit().await?;
    if found.is_some_and(|mark| mark.value == expected) {
        return Ok(());
    }
    Err(Error::precondition(
        "WRONG_MASTER_KEY",
        "this data was sealed under another master key: put back the master.key of this data \
         folder, or set master_key to the key it was made with",
    ))
}
