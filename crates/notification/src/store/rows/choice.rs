//! `choices`: what users want and do not want to hear.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "choices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Empty = every topic.
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic: String,
    /// 0 = every channel.
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: i16,
    pub opted_in: bool,
    /// The message whose link was used, if one was: the receipt of the choice.
    pub notification_id: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
