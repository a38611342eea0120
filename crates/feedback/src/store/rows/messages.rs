//! The conversation of each ticket. Texts are sealed with the customer's key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub user_id: String,
    /// Position in the conversation, from 1 on.
    pub seq: i32,
    pub author: i16,
    pub author_id: Option<String>,
    pub internal: bool,
    /// None after an erasure.
    pub body: Option<Vec<u8>>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
