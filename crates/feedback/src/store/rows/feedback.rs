//! What was said. The words themselves are sealed with the customer's key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feedback")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub channel: i16,
    pub category: i16,
    /// One bit per quick tag: bit n stands for the tag with code n.
    pub tags: i16,
    pub rating: Option<i16>,
    /// Text, context and attachments; none after an erasure.
    pub words: Option<Vec<u8>>,
    pub interview_at: Option<DateTimeUtc>,
    pub source: Option<String>,
    pub source_event_id: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
