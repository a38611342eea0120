//! What a caller has said about a user; absent for a bare profile. `sealed` opens only with the
//! user's key, which is here and nowhere else, wrapped.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "profiles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub wrapped_key: Vec<u8>,
    pub sealed: Vec<u8>,
    pub email_hash: Option<Vec<u8>>,
    pub phone_hash: Option<Vec<u8>>,
    pub locale: String,
    pub time_zone: String,
    pub acquisition_channel: String,
    pub revision: i64,
    pub update_time: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
