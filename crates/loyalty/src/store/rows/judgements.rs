//! What the rules of points made of purchases, refunds and check-ins, and what they carry on.

use sea_orm::entity::prelude::*;

/// One judgement. Rows are inserted and read; an erasure deletes them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "judgements")]
pub struct Model {
    /// Derived from the business event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub rule: String,
    pub rule_version: String,
    pub order_ref: String,
    /// JSON object of texts; empty for none.
    pub facts: String,
    /// Why nothing was earned; null when something was.
    pub reason: Option<i16>,
    pub entry_id: Option<Uuid>,
    /// What it added to the fraction carried on: `carried` / `carried_den` of a point.
    pub carried: i64,
    /// 0 where nothing is carried.
    pub carried_den: i64,
    pub occurred_at: DateTimeUtc,
    pub recorded_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Fractions of points carried on: for each member and denominator one.
pub mod remainders {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "remainders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub den: i64,
        pub num: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
