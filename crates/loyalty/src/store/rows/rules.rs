//! Versions of the rules, and who was told of them.

/// Versions of the rules. The document never changes.
pub(in crate::store) mod versions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rule_versions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: String,
        /// 1, 2, 3, ... in the order of recording.
        pub number: i64,
        /// The rules as in the settings, in JSON.
        pub document: String,
        pub state: i16,
        pub proposer: String,
        pub approver: String,
        pub proposed_at: DateTimeUtc,
        pub announced_at: Option<DateTimeUtc>,
        pub noticed_at: Option<DateTimeUtc>,
        pub activated_at: Option<DateTimeUtc>,
        pub withdrawn_at: Option<DateTimeUtc>,
        pub asked_new: Option<DateTimeUtc>,
        pub asked_existing: Option<DateTimeUtc>,
        pub effective_new: Option<DateTimeUtc>,
        pub effective_existing: Option<DateTimeUtc>,
        /// 0 while it is not known.
        pub class: i16,
        pub supersedes: String,
        pub report: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who was told that worse rules will come.
pub(in crate::store) mod notices {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rule_notices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        pub told_at: DateTimeUtc,
        /// From when on the rules were said to hold.
        pub effective_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
