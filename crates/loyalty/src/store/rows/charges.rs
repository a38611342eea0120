//! Charges of memberships: at most one of each is open.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "membership_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub membership_id: Uuid,
    pub user_id: String,
    pub kind: i16,
    /// 1 open, 2 paid, 3 void.
    pub state: i16,
    pub amount: i64,
    pub currency: String,
    pub plan: String,
    pub period: i16,
    pub months: i32,
    pub rule_version: String,
    pub noticed_at: DateTimeUtc,
    pub due_at: DateTimeUtc,
    pub asked_at: Option<DateTimeUtc>,
    pub failures: i32,
    pub failure: String,
    pub paid_at: Option<DateTimeUtc>,
    pub payment_ref: String,
    pub covers_from: Option<DateTimeUtc>,
    pub covers_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// What was said before each of them was collected. Never altered: the last one holds.
pub(in crate::store) mod notices {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership_notices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub charge_id: Uuid,
        /// Counts those of a charge, from 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub amount: i64,
        pub currency: String,
        pub due_at: DateTimeUtc,
        pub recorded_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Money that goes back: one for each charge at most, with its id.
pub(in crate::store) mod payouts {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership_payouts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub amount: i64,
        pub currency: String,
        pub cause: i16,
        pub due_at: DateTimeUtc,
        pub done_at: Option<DateTimeUtc>,
        pub payment_ref: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
