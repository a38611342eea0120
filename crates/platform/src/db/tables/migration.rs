//! Creates the platform's tables in a service's database.

use super::{consumers, events, marks, parked_events, requests};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary, boolean, integer, string, text, timestamp_with_time_zone, uuid,
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "p0001_platform"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(marks::Entity)
                    .col(string(marks::Column::Name).primary_key())
                    .col(binary(marks::Column::Value))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(requests::Entity)
                    .col(uuid(requests::Column::Id).primary_key())
                    .col(string(requests::Column::Method))
                    .col(binary(requests::Column::Fingerprint))
                    .col(boolean(requests::Column::Refused))
                    .col(binary(requests::Column::Answer))
                    .col(timestamp_with_time_zone(requests::Column::CreatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(events::Entity)
                    .col(big_integer(events::Column::Position).primary_key().auto_increment())
                    .col(uuid(events::Column::Id))
                    .col(string(events::Column::Kind))
                    .col(string(events::Column::Subject))
                    .col(timestamp_with_time_zone(events::Column::Time))
                    .col(binary(events::Column::Data))
                    .col(string(events::Column::Traceparent))
                    .to_owned(),
            )
            .await?;
        for column in [events::Column::Kind, events::Column::Subject] {
            manager
                .create_index(
                    Index::create()
                        .name(format!("events_by_{}", sea_orm::IdenStatic::as_str(&column)))
                        .table(events::Entity)
                        .col(column)
                        .col(events::Column::Position)
                        .to_owned(),
                )
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table(consumers::Entity)
                    .col(string(consumers::Column::Name).primary_key())
                    .col(string(consumers::Column::Source))
                    .col(big_integer(consumers::Column::Position))
                    .col(timestamp_with_time_zone(consumers::Column::UpdatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(parked_events::Entity)
                    .col(string(parked_events::Column::Consumer))
                    .col(uuid(parked_events::Column::EventId))
                    .col(binary(parked_events::Column::Event))
                    .col(text(parked_events::Column::Error))
                    .col(integer(parked_events::Column::Attempts))
                    .col(boolean(parked_events::Column::Replay))
                    .col(timestamp_with_time_zone(parked_events::Column::ParkedAt))
                    .primary_key(
                        Index::create()
                            .col(parked_events::Column::Consumer)
                            .col(parked_events::Column::EventId),
                    )
                    .to_owned(),
            )
            .await
    }
}
