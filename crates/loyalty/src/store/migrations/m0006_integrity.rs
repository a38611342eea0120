//! The hash chain, and warnings that let points expire.

use crate::store::rows::{entries, head, lots, warnings};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{timestamp_with_time_zone, timestamp_with_time_zone_null, uuid};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_integrity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let none = || Expr::value(Vec::<u8>::new());
        let empty = |column: &mut ColumnDef| column.binary().not_null().default(none()).to_owned();
        let added = [
            Table::alter()
                .table(head::Entity)
                .add_column(empty(&mut ColumnDef::new(head::Column::Hash)))
                .to_owned(),
            Table::alter()
                .table(head::Entity)
                .add_column(
                    ColumnDef::new(head::Column::HashFromSeq).big_integer().not_null().default(1),
                )
                .to_owned(),
            Table::alter()
                .table(head::Entity)
                .add_column(
                    ColumnDef::new(head::Column::NoticeRequired).boolean().not_null().default(true),
                )
                .to_owned(),
            Table::alter()
                .table(entries::Entity)
                .add_column(empty(&mut ColumnDef::new(entries::Column::Hash)))
                .to_owned(),
            Table::alter()
                .table(lots::Entity)
                .add_column(
                    ColumnDef::new(lots::Column::Notice).small_integer().not_null().default(0),
                )
                .to_owned(),
            Table::alter()
                .table(lots::Entity)
                .add_column(
                    ColumnDef::new(lots::Column::ExtendedFrom).timestamp_with_time_zone().null(),
                )
                .to_owned(),
        ];
        for table in added {
            manager.alter_table(table).await?;
        }
        // Entries that are there already were never chained: the chain begins after them.
        let begins = Query::update()
            .table(head::Entity)
            .value(head::Column::HashFromSeq, Expr::col(head::Column::Seq).add(1))
            .to_owned();
        manager.execute(begins).await?;
        manager.create_table(warnings_table()).await?;
        let by_lot = Index::create()
            .name("expiry_warnings_by_lot")
            .table(warnings::Entity)
            .col(warnings::Column::LotId)
            .to_owned();
        manager.create_index(by_lot).await?;
        let extensions = Index::create()
            .name("entries_extending")
            .table(entries::Entity)
            .col(entries::Column::Seq)
            .cond_where(Expr::cust("kind = 20"))
            .to_owned();
        manager.create_index(extensions).await
    }
}

fn warnings_table() -> TableCreateStatement {
    use warnings::Column as C;
    Table::create()
        .table(warnings::Entity)
        .col(uuid(C::Id).primary_key())
        .col(uuid(C::LotId))
        .col(timestamp_with_time_zone(C::ExpiresAt))
        .col(timestamp_with_time_zone(C::ToldAt))
        .col(timestamp_with_time_zone_null(C::HandedOverAt))
        .to_owned()
}
