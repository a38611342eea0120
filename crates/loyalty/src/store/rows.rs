//! The tables, as sea-orm sees them. Only `store` knows them.

pub(super) mod benefits;
pub(super) mod charges;
pub(super) mod grants;
pub(super) mod incidents;
pub(super) mod judgements;
pub(super) mod memberships;
pub(super) mod progress;
pub(super) mod referrals;
pub(super) mod rules;
pub(super) mod warnings;

/// The ledger's last entry; one row, locked by whoever posts. That gives entries their gapless
/// order, and makes deadlocks between posters impossible.
pub(super) mod head {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_head")]
    pub struct Model {
        /// Always 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub seq: i64,
        pub recorded_at: DateTimeUtc,
        /// How often the rules in force were changed.
        pub rules: i64,
        /// Of the last entry; empty: no entry is chained yet.
        pub hash: Vec<u8>,
        /// Where the chain begins.
        pub hash_from_seq: i64,
        /// Whether points may not expire without a warning, as the service that last started says.
        pub notice_required: bool,
        /// Lots from before that are still to be brought in line.
        pub notice_pending: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Members and their accounts.
pub(super) mod members {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "members")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        pub joined_at: DateTimeUtc,
        pub closed_at: Option<DateTimeUtc>,
        pub available: i64,
        pub held: i64,
        pub escrow: i64,
        pub debt: i64,
        pub issued: i64,
        pub redeemed: i64,
        pub expired: i64,
        pub reversed: i64,
        pub transferred: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The ledger. Rows are inserted and read, never changed.
pub(super) mod entries {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        /// Unique: derived from the business event, so none is applied twice.
        pub id: Uuid,
        pub user_id: String,
        pub kind: i16,
        pub points: i64,
        // The legs; their sum is zero (a constraint of the table).
        pub issuer: i64,
        pub available: i64,
        pub escrow: i64,
        pub debt: i64,
        pub redeemed: i64,
        pub expired: i64,
        pub reversed: i64,
        pub transfer: i64,
        pub held: i64,
        pub available_after: i64,
        pub reverses: Option<Uuid>,
        pub hold_id: Option<Uuid>,
        pub source: String,
        pub source_event_id: String,
        pub reason: String,
        pub rule: String,
        pub rule_version: String,
        /// JSON object of texts; empty for none.
        pub facts: String,
        pub occurred_at: DateTimeUtc,
        pub recorded_at: DateTimeUtc,
        pub expires_at: Option<DateTimeUtc>,
        /// Its link of the chain; empty for entries from before there was one.
        pub hash: Vec<u8>,
        pub activates_at: Option<DateTimeUtc>,
        pub transfer_id: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Which lots an entry took from, gave back to, or reserved.
pub(super) mod allocations {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "allocations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub entry_seq: i64,
        /// 0, 1, 2, ... in the order in which the lots were used.
        #[sea_orm(primary_key, auto_increment = false)]
        pub place: i32,
        pub lot_id: Uuid,
        pub points: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Lots.
pub(super) mod lots {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lots")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub entry_seq: i64,
        pub amount: i64,
        pub remaining: i64,
        pub pending: i64,
        pub activates_at: Option<DateTimeUtc>,
        pub held: i64,
        pub expired: i64,
        pub expires_at: Option<DateTimeUtc>,
        pub earned_at: DateTimeUtc,
        pub warned_at: Option<DateTimeUtc>,
        /// What is known of the warning for `expires_at`.
        pub notice: i16,
        pub extended_from: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Holds; what they reserve stands in `allocations` of their entry.
pub(super) mod holds {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "holds")]
    pub struct Model {
        /// The UUID of the entry that placed it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub points: i64,
        pub deadline: DateTimeUtc,
        pub state: i16,
        pub resolved_by: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Purchases and refunds: what qualifies for tiers, and what later refunds refer to.
pub(super) mod facts {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "facts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        /// 1, 2, 3, ... in the order of recording.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// Unique: derived from the business event.
        pub id: Uuid,
        pub order_ref: String,
        /// The purchase that a refund belongs to.
        pub refunds: Option<Uuid>,
        /// Paid, or paid back; positive minor units of `currency`.
        pub amount: i64,
        pub currency: String,
        /// Qualifying money; negative for refunds.
        pub spend: i64,
        pub orders: i64,
        /// Friends brought, or lost again.
        pub recommendations: i64,
        /// A tier that was given, and until when; 0: none.
        pub given: i16,
        pub given_until: Option<DateTimeUtc>,
        /// Points the purchase earned.
        pub points: i64,
        pub entry_id: Option<Uuid>,
        pub occurred_at: DateTimeUtc,
        pub anchor_at: DateTimeUtc,
        pub recorded_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Where each member stands.
pub(super) mod standings {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "standings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        pub tier: i16,
        pub since: DateTimeUtc,
        pub keep_until: Option<DateTimeUtc>,
        pub judged_at: DateTimeUtc,
        /// When the member joined.
        pub joined_at: Option<DateTimeUtc>,
        /// When to look again though nothing new happened.
        pub due_at: Option<DateTimeUtc>,
        /// Numbers given out so far in `facts` and `tier_changes`.
        pub facts: i64,
        pub changes: i64,
        /// Fingerprint of the tier rules by which `due_at` was computed.
        pub rules: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Every change of tier, with what justified it.
pub(super) mod tier_changes {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tier_changes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub from_tier: i16,
        pub to_tier: i16,
        pub changed_at: DateTimeUtc,
        pub keep_until: Option<DateTimeUtc>,
        pub cause: i16,
        pub spend: i64,
        pub orders: i64,
        pub recommendations: i64,
        pub window_start: DateTimeUtc,
        pub rule_version: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
