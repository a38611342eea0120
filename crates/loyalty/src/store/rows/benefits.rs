//! What can be had beside points. Columns that are texts are empty where nothing is to be said.

/// Coupons.
pub(in crate::store) mod coupons {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "coupons")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Unique.
        pub code: String,
        pub user_id: String,
        pub kind: String,
        pub rule_version: String,
        /// As in the rules, in JSON.
        pub terms: String,
        pub state: i16,
        pub issued_at: DateTimeUtc,
        pub expires_at: Option<DateTimeUtc>,
        pub order_ref: String,
        pub discount: i64,
        pub currency: String,
        pub reserved_until: Option<DateTimeUtc>,
        pub used_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Members who get a coupon if they buy nothing more until then.
pub(in crate::store) mod cycles {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "coupon_cycles")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        pub due_at: DateTimeUtc,
        /// The last purchase.
        pub purchase: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Places, by key and period. A constraint keeps `taken` from passing `places`.
pub(in crate::store) mod quotas {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "quotas")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub places: i64,
        pub taken: i64,
        pub accepted: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who holds or used a place, or did.
pub(in crate::store) mod claims {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "claims")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub key: String,
        pub quota_id: String,
        pub state: i16,
        pub number: i64,
        pub claimed_at: DateTimeUtc,
        pub held_until: DateTimeUtc,
        pub resolved_at: Option<DateTimeUtc>,
        pub rule_version: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What was bought with points.
pub(in crate::store) mod redemptions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "redemptions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub item: String,
        pub points: i64,
        pub state: i16,
        pub entry_id: Uuid,
        pub stock: Uuid,
        pub place: Option<Uuid>,
        pub redeemed_at: DateTimeUtc,
        pub held_until: Option<DateTimeUtc>,
        pub resolved_at: Option<DateTimeUtc>,
        pub rule_version: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What purchases, refunds and points gave to charity. Never changed.
pub(in crate::store) mod set_asides {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "set_asides")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub project: String,
        pub order_ref: String,
        pub reverses: Option<Uuid>,
        /// 1: a purchase, 2: a refund, 3: points.
        pub kind: i16,
        pub currency: String,
        pub paid: i64,
        pub amount: i64,
        pub points: i64,
        pub month: String,
        pub rule_version: String,
        pub recorded_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Stretches of time in which a feature is open.
pub(in crate::store) mod unlocks {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "unlocks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: String,
        pub feature: String,
        pub months: i32,
        pub days: i32,
        pub granted_at: DateTimeUtc,
        pub from_at: DateTimeUtc,
        pub until_at: Option<DateTimeUtc>,
        pub revoked_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
