//! Whether lots are still to be brought in line with the promise of warnings.

use crate::store::rows::head;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_notice"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut pending = ColumnDef::new(head::Column::NoticePending);
        let pending = pending.boolean().not_null().default(false).to_owned();
        let table = Table::alter().table(head::Entity).add_column(pending).to_owned();
        manager.alter_table(table).await
    }
}
