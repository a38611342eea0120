//! Messages remember the trace of the change that they answer.

use crate::store::rows::message;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_notification_trace"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let trace = Table::alter()
            .table(message::Entity)
            .add_column(string(message::Column::Traceparent).default(""))
            .to_owned();
        manager.alter_table(trace).await
    }
}
