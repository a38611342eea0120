//! An index for members who were judged by other rules.

use crate::store::rows::standings;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name("standings_by_rules")
            .table(standings::Entity)
            .col(standings::Column::Rules)
            .to_owned();
        manager.create_index(index).await
    }
}
