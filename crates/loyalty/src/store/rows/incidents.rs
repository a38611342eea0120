//! Incidents, and who was given what for them.

/// Incidents.
pub(in crate::store) mod declared {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incidents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Unique.
        pub key: String,
        pub state: i16,
        pub from_at: DateTimeUtc,
        pub to_at: DateTimeUtc,
        /// In JSON.
        pub filter: String,
        /// In JSON.
        pub rewards: String,
        pub ticket_id: String,
        pub declared_by: String,
        pub declared_at: DateTimeUtc,
        pub approved_by: String,
        pub approved_at: Option<DateTimeUtc>,
        pub rule_version: String,
        pub cursor: String,
        pub examined: i64,
        pub granted: i64,
        pub revoked: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who was given the rewards of an incident.
pub(in crate::store) mod incident_members {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_members")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        pub granted_at: DateTimeUtc,
        pub revoked_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Complaints that were made up for.
pub(in crate::store) mod tickets {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "compensated_tickets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub ticket_id: String,
        pub user_id: String,
        pub declared_by: String,
        pub given_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
