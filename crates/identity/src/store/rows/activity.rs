//! Activities as they came in. The id is derived from (source, source_event_id), so the primary
//! key is the natural key: an activity cannot be stored twice.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub kind: i16,
    pub occur_time: DateTimeUtc,
    pub record_time: DateTimeUtc,
    pub source: String,
    pub source_event_id: String,
    pub object: String,
    pub duration_millis: Option<i64>,
    pub currency: Option<String>,
    pub minor_units: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
