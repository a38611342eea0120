//! Rewards that were given.

use crate::store::rows::grants::{Column as C, Entity};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    string, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_grants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Entity)
            .col(uuid(C::Id).primary_key())
            .col(string(C::UserId))
            .col(text(C::Reward))
            .col(string(C::Cause))
            .col(string(C::CauseId))
            .col(string(C::RuleVersion))
            .col(timestamp_with_time_zone(C::GrantedAt))
            .col(timestamp_with_time_zone_null(C::RevokedAt))
            .to_owned();
        manager.create_table(table).await?;
        let of_member = Index::create()
            .name("grants_of_member")
            .table(Entity)
            .col(C::UserId)
            .col(C::GrantedAt)
            .to_owned();
        manager.create_index(of_member).await?;
        let by_cause = Index::create()
            .name("grants_by_cause")
            .table(Entity)
            .col(C::Cause)
            .col(C::CauseId)
            .to_owned();
        manager.create_index(by_cause).await
    }
}
