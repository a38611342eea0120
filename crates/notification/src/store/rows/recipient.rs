//! `recipients`: one row per user we may write to: the lock under which their messages are
//! decided, and what the triggers remember.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recipients")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub last_active_at: Option<DateTimeUtc>,
    /// When the silence since then is long enough for a reminder; null = reminded, or never seen.
    pub remind_at: Option<DateTimeUtc>,
    pub first_purchase_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
