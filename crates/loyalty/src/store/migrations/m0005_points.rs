//! Pending points, transfers, and what the rules made of each event.

use crate::store::rows::judgements::{self, remainders};
use crate::store::rows::{entries, lots, members};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, small_integer, small_integer_null, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_points"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [pending(), activates_at()] {
            let change = Table::alter().table(lots::Entity).add_column(column).to_owned();
            manager.alter_table(change).await?;
        }
        let transferred = zero(members::Column::Transferred);
        let change = Table::alter().table(members::Entity).add_column(transferred).to_owned();
        manager.alter_table(change).await?;
        widen_entries(manager).await?;
        for table in [judgements(), remainders()] {
            manager.create_table(table).await?;
        }
        manager.drop_index(Index::drop().name("lots_open_by_user").to_owned()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn zero(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().default(0).to_owned()
}

fn pending() -> ColumnDef {
    use lots::Column as C;
    let kept = Expr::col(C::Remaining).add(Expr::col(C::Pending));
    let sound = Expr::col(C::Pending).gte(0).and(kept.lte(Expr::col(C::Amount)));
    zero(C::Pending).check(sound).to_owned()
}

fn activates_at() -> ColumnDef {
    ColumnDef::new(lots::Column::ActivatesAt).timestamp_with_time_zone().null().to_owned()
}

/// The leg `transfer` belongs into the constraint that legs sum to zero, and SQLite cannot change
/// a constraint: the ledger moves into a new table of the same name.
async fn widen_entries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let next = Alias::new("entries_next");
    manager.create_table(wide_entries(next.clone())).await?;
    let columns = former_columns();
    let all = Query::select().columns(columns).from(entries::Entity).to_owned();
    let copy = Query::insert()
        .into_table(next.clone())
        .columns(columns)
        .select_from(all)
        .map_err(|error| DbErr::Migration(error.to_string()))?
        .to_owned();
    manager.execute(copy).await?;
    manager.drop_table(Table::drop().table(entries::Entity).to_owned()).await?;
    manager.rename_table(Table::rename().table(next, entries::Entity).to_owned()).await
}

/// The columns of before.
fn former_columns() -> [entries::Column; 25] {
    use entries::Column as C;
    [
        C::Seq,
        C::Id,
        C::UserId,
        C::Kind,
        C::Points,
        C::Issuer,
        C::Available,
        C::Escrow,
        C::Debt,
        C::Redeemed,
        C::Expired,
        C::Reversed,
        C::Held,
        C::AvailableAfter,
        C::Reverses,
        C::HoldId,
        C::Source,
        C::SourceEventId,
        C::Reason,
        C::Rule,
        C::RuleVersion,
        C::Facts,
        C::OccurredAt,
        C::RecordedAt,
        C::ExpiresAt,
    ]
}

fn wide_entries(name: Alias) -> TableCreateStatement {
    use entries::Column as C;
    let mut table = Table::create();
    table
        .table(name)
        .col(big_integer(C::Seq).primary_key())
        .col(uuid(C::Id))
        .col(string(C::UserId))
        .col(small_integer(C::Kind))
        .col(big_integer(C::Points).check(Expr::col(C::Points).gt(0)));
    let legs = [C::Issuer, C::Available, C::Escrow, C::Debt, C::Redeemed, C::Expired, C::Reversed];
    for leg in legs {
        table.col(big_integer(leg));
    }
    table.col(zero(C::Transfer));
    let sum = legs.iter().fold(Expr::col(C::Transfer), |sum, leg| sum.add(Expr::col(*leg)));
    table
        .check(sum.eq(0))
        .col(big_integer(C::Held))
        .col(big_integer(C::AvailableAfter))
        .col(uuid_null(C::Reverses))
        .col(uuid_null(C::HoldId))
        .col(string(C::Source))
        .col(string(C::SourceEventId))
        .col(string(C::Reason))
        .col(string(C::Rule))
        .col(string(C::RuleVersion))
        .col(text(C::Facts))
        .col(timestamp_with_time_zone(C::OccurredAt))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .col(timestamp_with_time_zone_null(C::ExpiresAt))
        .col(timestamp_with_time_zone_null(C::ActivatesAt))
        .col(uuid_null(C::TransferId))
        .to_owned()
}

fn judgements() -> TableCreateStatement {
    use judgements::Column as C;
    Table::create()
        .table(judgements::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Rule))
        .col(string(C::RuleVersion))
        .col(string(C::OrderRef))
        .col(text(C::Facts))
        .col(small_integer_null(C::Reason))
        .col(uuid_null(C::EntryId))
        .col(big_integer(C::Carried))
        .col(big_integer(C::CarriedDen))
        .col(timestamp_with_time_zone(C::OccurredAt))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .to_owned()
}

fn remainders() -> TableCreateStatement {
    use remainders::Column as C;
    Table::create()
        .table(remainders::Entity)
        .col(string(C::UserId))
        .col(big_integer(C::Den).check(Expr::col(C::Den).gt(0)))
        .col(big_integer(C::Num))
        .primary_key(Index::create().col(C::UserId).col(C::Den))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str| Index::create().name(name).to_owned();
    vec![
        index("entries_id").table(entries::Entity).col(entries::Column::Id).unique().to_owned(),
        index("entries_by_user")
            .table(entries::Entity)
            .col(entries::Column::UserId)
            .col(entries::Column::Seq)
            .to_owned(),
        index("entries_reversing")
            .table(entries::Entity)
            .col(entries::Column::Reverses)
            .cond_where(Expr::cust("reverses IS NOT NULL"))
            .to_owned(),
        index("lots_kept_by_user")
            .table(lots::Entity)
            .col(lots::Column::UserId)
            .cond_where(Expr::cust("remaining + pending > 0"))
            .to_owned(),
        index("lots_pending_by_date")
            .table(lots::Entity)
            .col(lots::Column::ActivatesAt)
            .cond_where(Expr::cust("pending > 0"))
            .to_owned(),
        index("judgements_of_member")
            .table(judgements::Entity)
            .col(judgements::Column::UserId)
            .col(judgements::Column::OrderRef)
            .to_owned(),
    ]
}
