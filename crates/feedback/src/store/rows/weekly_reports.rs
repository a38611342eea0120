//! One row for each ISO week reported.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "weekly_reports")]
pub struct Model {
    /// "2026-W47".
    #[sea_orm(primary_key, auto_increment = false)]
    pub week: String,
    pub start_at: DateTimeUtc,
    pub end_at: DateTimeUtc,
    /// JSON of the counts.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
