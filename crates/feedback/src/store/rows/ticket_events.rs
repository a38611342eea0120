//! What happened to each ticket: the truth, never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: Uuid,
    /// 1, 2, 3 ...
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i32,
    /// When it took effect.
    pub at: DateTimeUtc,
    pub kind: i16,
    /// Author, what is waited for, or clock, as the kind has it.
    pub code: Option<i16>,
    /// Instance of the clock.
    pub instance: Option<i32>,
    pub assignee: Option<String>,
    /// Who did it, where the caller said so.
    pub actor: Option<String>,
    pub plan_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
