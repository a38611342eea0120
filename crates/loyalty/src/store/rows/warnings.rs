//! Warnings of lots' dates that were told, and what became of them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "expiry_warnings")]
pub struct Model {
    /// The event that told it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub lot_id: Uuid,
    /// The date that the holder was warned of.
    pub expires_at: DateTimeUtc,
    pub told_at: DateTimeUtc,
    /// When it was first handed over to a channel.
    pub handed_over_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
