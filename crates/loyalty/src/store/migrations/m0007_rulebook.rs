//! The rules as they were recorded, who was told of them, and how often they changed.

use crate::store::rows::head;
use crate::store::rows::rules::{notices, versions};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_uniq, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_rulebook"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revision = Table::alter()
            .table(head::Entity)
            .add_column(big_integer(head::Column::Rules).default(0))
            .to_owned();
        manager.alter_table(revision).await?;
        manager.create_table(versions()).await?;
        manager.create_table(notices()).await?;
        let of_member = Index::create()
            .name("rule_notices_of_member")
            .table(notices::Entity)
            .col(notices::Column::UserId)
            .to_owned();
        manager.create_index(of_member).await
    }
}

fn versions() -> TableCreateStatement {
    use versions::Column as C;
    let mut table = Table::create();
    table
        .table(versions::Entity)
        .col(string(C::Version).primary_key())
        .col(big_integer_uniq(C::Number))
        .col(text(C::Document))
        .col(small_integer(C::State))
        .col(string(C::Proposer))
        .col(string(C::Approver))
        .col(timestamp_with_time_zone(C::ProposedAt));
    for column in [
        C::AnnouncedAt,
        C::NoticedAt,
        C::ActivatedAt,
        C::WithdrawnAt,
        C::AskedNew,
        C::AskedExisting,
        C::EffectiveNew,
        C::EffectiveExisting,
    ] {
        table.col(timestamp_with_time_zone_null(column));
    }
    table.col(small_integer(C::Class)).col(string(C::Supersedes)).col(text(C::Report)).to_owned()
}

fn notices() -> TableCreateStatement {
    use notices::Column as C;
    Table::create()
        .table(notices::Entity)
        .col(string(C::Version))
        .col(string(C::UserId))
        .col(timestamp_with_time_zone(C::ToldAt))
        .col(timestamp_with_time_zone(C::EffectiveAt))
        .primary_key(Index::create().col(C::Version).col(C::UserId))
        .to_owned()
}
