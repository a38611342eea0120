//! `preferences`: quiet hours and zone that users chose.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "preferences")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// 0 = default hours, 1 = none, 2 = own (start and end as HH:MM).
    pub quiet: i16,
    pub quiet_start: String,
    pub quiet_end: String,
    /// Empty = the profile's.
    pub time_zone: String,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
