//! Who brought whom.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referrals")]
pub struct Model {
    /// Derived from the friend, so a friend has one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub advocate_id: String,
    pub friend_id: String,
    pub code: String,
    pub touched_at: DateTimeUtc,
    pub made_at: DateTimeUtc,
    pub rule_version: String,
    pub found: i16,
    /// JSON list of kinds and weights.
    pub signals: String,
    pub standing: i16,
    pub waiting_since: Option<DateTimeUtc>,
    /// 0: never reviewed.
    pub reviewed: i16,
    pub reviewer: String,
    pub review_reason: String,
    pub reviewed_at: Option<DateTimeUtc>,
    pub appeal_reason: String,
    pub appealed_at: Option<DateTimeUtc>,
    pub order_id: Option<Uuid>,
    pub paid_at: Option<DateTimeUtc>,
    pub final_at: Option<DateTimeUtc>,
    pub buy_until: Option<DateTimeUtc>,
    pub friend_erased: bool,
    pub qualified_at: Option<DateTimeUtc>,
    pub reversed_at: Option<DateTimeUtc>,
    /// As last written down; `due_at` is when it changes by itself.
    pub state: i16,
    pub due_at: Option<DateTimeUtc>,
    pub counted_id: Option<Uuid>,
    pub counted_from: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The codes that bring friends.
pub(in crate::store) mod codes {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "referral_codes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub user_id: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What is known about people, as keys that tell nothing. Dropped with the person.
pub(in crate::store) mod evidence {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "referral_evidence")]
    pub struct Model {
        /// Derived from the other columns.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub kind: i16,
        pub hash: String,
        /// When the person was brought, if this was said then.
        pub brought_at: Option<DateTimeUtc>,
        /// By whom; empty if it was not said then.
        pub advocate_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
