//! One calendar day of a user's behaviour: sums over that day's activities.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    pub own: i32,
    pub logins: i32,
    pub sessions: i32,
    pub check_ins: i32,
    pub lesser_uses: i32,
    pub interactions: i32,
    pub session_millis: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
