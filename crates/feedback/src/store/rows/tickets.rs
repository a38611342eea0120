//! The latest state of each ticket, to search by.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub feedback_id: Uuid,
    pub user_id: String,
    pub channel: i16,
    pub category: i16,
    pub state: i16,
    pub paying: bool,
    /// What the sender said about paying, which then counts more than what we know.
    pub paying_override: Option<bool>,
    pub assignee: Option<String>,
    pub reopen_count: i32,
    pub follow_up_of: Option<Uuid>,
    /// Number of events: grows with every change.
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub solved_at: Option<DateTimeUtc>,
    pub closed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
