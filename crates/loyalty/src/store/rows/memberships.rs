//! Memberships. One that has not ended is the only one of its member.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub plan: String,
    /// 0: given.
    pub period: i16,
    pub began_at: DateTimeUtc,
    pub rule_version: String,
    pub created_at: DateTimeUtc,
    pub anchor_day: i32,
    pub canceled_at: Option<DateTimeUtc>,
    pub paused_at: Option<DateTimeUtc>,
    pub pause_until: Option<DateTimeUtc>,
    /// Empty: the same.
    pub next_plan: String,
    pub next_period: i16,
    pub charges: i32,
    pub ended_at: Option<DateTimeUtc>,
    /// 0: it has not.
    pub ending: i16,
    pub state: i16,
    pub state_since: DateTimeUtc,
    /// When time next changes something.
    pub due_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The stretches of their lines.
pub(in crate::store) mod stretches {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership_time")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub membership_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub kind: i16,
        pub plan: String,
        pub source: String,
        pub starts_at: DateTimeUtc,
        pub ends_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Changes of state. Never altered.
pub(in crate::store) mod transitions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership_changes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        /// Counts those of a member, from 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub membership_id: Uuid,
        pub plan: String,
        pub from_state: i16,
        pub to_state: i16,
        pub changed_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who had a trial: a keyed hash of the person, which outlives memberships and erasure.
pub(in crate::store) mod trials {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership_trials")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person: String,
        pub began_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
