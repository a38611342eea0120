//! Members, entries, allocations, lots, holds.

use crate::store::rows::{allocations, entries, head, holds, lots, members};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [head(), members(), entries(), allocations(), lots(), holds()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        let first = Query::insert()
            .into_table(head::Entity)
            .columns([head::Column::Id, head::Column::Seq, head::Column::RecordedAt])
            .values_panic([1.into(), 0i64.into(), chrono::DateTime::UNIX_EPOCH.into()])
            .to_owned();
        manager.execute(first).await
    }
}

fn head() -> TableCreateStatement {
    use head::Column as C;
    Table::create()
        .table(head::Entity)
        .col(integer(C::Id).primary_key())
        .col(big_integer(C::Seq))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .to_owned()
}

fn members() -> TableCreateStatement {
    use members::Column as C;
    let mut table = Table::create();
    table
        .table(members::Entity)
        .col(string(C::UserId).primary_key())
        .col(timestamp_with_time_zone(C::JoinedAt))
        .col(timestamp_with_time_zone_null(C::ClosedAt));
    let accounts = [
        C::Available,
        C::Held,
        C::Escrow,
        C::Debt,
        C::Issued,
        C::Redeemed,
        C::Expired,
        C::Reversed,
    ];
    for account in accounts {
        table.col(big_integer(account).check(Expr::col(account).gte(0)));
    }
    table.check(Expr::col(C::Held).lte(Expr::col(C::Available))).to_owned()
}

fn entries() -> TableCreateStatement {
    use entries::Column as C;
    let mut table = Table::create();
    table
        .table(entries::Entity)
        .col(big_integer(C::Seq).primary_key())
        .col(uuid(C::Id))
        .col(string(C::UserId))
        .col(small_integer(C::Kind))
        .col(big_integer(C::Points).check(Expr::col(C::Points).gt(0)));
    let legs = [C::Issuer, C::Available, C::Escrow, C::Debt, C::Redeemed, C::Expired, C::Reversed];
    for leg in legs {
        table.col(big_integer(leg));
    }
    let sum = legs[1..].iter().fold(Expr::col(legs[0]), |sum, leg| sum.add(Expr::col(*leg)));
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
        .to_owned()
}

fn allocations() -> TableCreateStatement {
    use allocations::Column as C;
    Table::create()
        .table(allocations::Entity)
        .col(big_integer(C::EntrySeq))
        .col(integer(C::Place))
        .col(uuid(C::LotId))
        .col(big_integer(C::Points).check(Expr::col(C::Points).gt(0)))
        .primary_key(Index::create().col(C::EntrySeq).col(C::Place))
        .to_owned()
}

fn lots() -> TableCreateStatement {
    use lots::Column as C;
    Table::create()
        .table(lots::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(big_integer(C::EntrySeq))
        .col(big_integer(C::Amount))
        .col(big_integer(C::Remaining))
        .col(big_integer(C::Held))
        .col(big_integer(C::Expired))
        .col(timestamp_with_time_zone_null(C::ExpiresAt))
        .col(timestamp_with_time_zone(C::EarnedAt))
        .col(timestamp_with_time_zone_null(C::WarnedAt))
        .check(Expr::col(C::Held).gte(0))
        .check(Expr::col(C::Held).lte(Expr::col(C::Remaining)))
        .check(Expr::col(C::Remaining).lte(Expr::col(C::Amount)))
        .to_owned()
}

fn holds() -> TableCreateStatement {
    use holds::Column as C;
    Table::create()
        .table(holds::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(big_integer(C::Points))
        .col(timestamp_with_time_zone(C::Deadline))
        .col(small_integer(C::State))
        .col(uuid_null(C::ResolvedBy))
        .to_owned()
}

/// Partial indexes hold only what is still open, so they stay small however old the ledger is.
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
        index("allocations_by_lot")
            .table(allocations::Entity)
            .col(allocations::Column::LotId)
            .to_owned(),
        index("lots_open_by_user")
            .table(lots::Entity)
            .col(lots::Column::UserId)
            .cond_where(Expr::cust("remaining > 0"))
            .to_owned(),
        index("lots_open_by_date")
            .table(lots::Entity)
            .col(lots::Column::ExpiresAt)
            .cond_where(Expr::cust("remaining > 0"))
            .to_owned(),
        index("holds_open_by_deadline")
            .table(holds::Entity)
            .col(holds::Column::Deadline)
            .cond_where(Expr::cust("state = 1"))
            .to_owned(),
        index("holds_open_by_user")
            .table(holds::Entity)
            .col(holds::Column::UserId)
            .cond_where(Expr::cust("state = 1"))
            .to_owned(),
    ]
}
