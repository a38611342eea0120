//! Facts, standings, changes of tier.

use crate::store::rows::{facts, standings, tier_changes};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, small_integer, string, timestamp_with_time_zone, timestamp_with_time_zone_null,
    uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_tiers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [facts(), standings(), tier_changes()] {
            manager.create_table(table).await?;
        }
        let index = |name: &str| Index::create().name(name).to_owned();
        let indexes = [
            index("facts_id").table(facts::Entity).col(facts::Column::Id).unique().to_owned(),
            index("facts_by_order")
                .table(facts::Entity)
                .col(facts::Column::UserId)
                .col(facts::Column::OrderRef)
                .to_owned(),
            index("standings_due")
                .table(standings::Entity)
                .col(standings::Column::DueAt)
                .to_owned(),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn facts() -> TableCreateStatement {
    use facts::Column as C;
    Table::create()
        .table(facts::Entity)
        .col(string(C::UserId))
        .col(big_integer(C::Number))
        .col(uuid(C::Id))
        .col(string(C::OrderRef))
        .col(uuid_null(C::Refunds))
        .col(big_integer(C::Amount))
        .col(string(C::Currency))
        .col(big_integer(C::Spend))
        .col(big_integer(C::Orders))
        .col(big_integer(C::Points))
        .col(uuid_null(C::EntryId))
        .col(timestamp_with_time_zone(C::OccurredAt))
        .col(timestamp_with_time_zone(C::AnchorAt))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .primary_key(Index::create().col(C::UserId).col(C::Number))
        .to_owned()
}

fn standings() -> TableCreateStatement {
    use standings::Column as C;
    Table::create()
        .table(standings::Entity)
        .col(string(C::UserId).primary_key())
        .col(small_integer(C::Tier))
        .col(timestamp_with_time_zone(C::Since))
        .col(timestamp_with_time_zone_null(C::KeepUntil))
        .col(timestamp_with_time_zone(C::JudgedAt))
        .col(timestamp_with_time_zone_null(C::DueAt))
        .col(big_integer(C::Facts))
        .col(big_integer(C::Changes))
        .col(string(C::Rules))
        .to_owned()
}

fn tier_changes() -> TableCreateStatement {
    use tier_changes::Column as C;
    Table::create()
        .table(tier_changes::Entity)
        .col(string(C::UserId))
        .col(big_integer(C::Number))
        .col(small_integer(C::FromTier))
        .col(small_integer(C::ToTier))
        .col(timestamp_with_time_zone(C::ChangedAt))
        .col(timestamp_with_time_zone_null(C::KeepUntil))
        .col(small_integer(C::Cause))
        .col(big_integer(C::Spend))
        .col(big_integer(C::Orders))
        .col(timestamp_with_time_zone(C::WindowStart))
        .col(string(C::RuleVersion))
        .primary_key(Index::create().col(C::UserId).col(C::Number))
        .to_owned()
}
