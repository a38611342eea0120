//! What members did, and how far it brought them.

/// The zones that were pinned for a member, each from its instant on.
pub mod zones {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member_zones")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub effective_from: DateTimeUtc,
        pub zone: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The days on which a member did something: one row a day, whatever came in which order.
pub mod days {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "progress_days")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub deed: i16,
        #[sea_orm(primary_key, auto_increment = false)]
        pub local_date: Date,
        pub first_at: DateTimeUtc,
        pub last_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Rounds of tasks, challenges and stamp cards.
pub mod tallies {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tallies")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sort: i16,
        #[sea_orm(primary_key, auto_increment = false)]
        pub offer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub round: i32,
        pub rule_version: String,
        pub began_at: DateTimeUtc,
        pub last_day: Option<Date>,
        pub goal: i64,
        pub done: i64,
        pub completed_at: Option<DateTimeUtc>,
        pub left_at: Option<DateTimeUtc>,
        pub cause_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Events that counted. Rows are inserted and read, never changed.
pub mod marks {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "progress_marks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sort: i16,
        #[sea_orm(primary_key, auto_increment = false)]
        pub offer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_id: Uuid,
        pub takes_back: Option<Uuid>,
        pub round: i32,
        pub local_date: Date,
        pub occurred_at: DateTimeUtc,
        pub amount: i64,
        pub paid: i64,
        pub currency: String,
        pub order_ref: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Days in a row.
pub mod streaks {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "streaks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub offer: String,
        pub deed: i16,
        /// As in `domain::progress::Streak`, in JSON.
        pub state: String,
        /// How often each milestone was rewarded, in JSON.
        pub rewarded: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Badges that are held.
pub mod badges {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "badges")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub grant_id: Uuid,
        pub user_id: String,
        pub badge: String,
        pub given_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
