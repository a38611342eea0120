//! The latest state of each promise, to search by.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clocks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub instance: i32,
    pub channel: i16,
    /// 1 for paying customers, 2 for others.
    pub tier: i16,
    /// Plan in force: clocks of one plan and kind have the same target and calendar.
    pub plan_id: Uuid,
    /// Running (open, paused or not), kept, breached (ended late) or void.
    pub outcome: i16,
    pub start_at: DateTimeUtc,
    /// None while paused with time left.
    pub due_at: Option<DateTimeUtc>,
    pub fulfilled_at: Option<DateTimeUtc>,
    /// Wall-clock milliseconds from start to fulfilment.
    pub elapsed_ms: Option<i64>,
    pub warned: bool,
    pub breached: bool,
    /// When something has to be told next: the due index of the job.
    pub alarm_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
