//! `erased_users`: users who were erased, as keyed hashes, so that what arrives late about
//! them is recognised without keeping who they were.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erased_users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_hash: String,
    pub erased_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
