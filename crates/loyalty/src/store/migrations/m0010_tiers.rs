//! Recommendations and given tiers among the facts; when members joined, beside where they stand.

use crate::store::rows::{facts, members, standings, tier_changes};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, small_integer, timestamp_with_time_zone_null};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_tiers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use facts::Column as F;
        // SQLite adds one column at a time.
        let added = [
            Table::alter()
                .table(facts::Entity)
                .add_column(big_integer(F::Recommendations).default(0))
                .to_owned(),
            Table::alter()
                .table(facts::Entity)
                .add_column(small_integer(F::Given).default(0))
                .to_owned(),
            Table::alter()
                .table(facts::Entity)
                .add_column(timestamp_with_time_zone_null(F::GivenUntil))
                .to_owned(),
            Table::alter()
                .table(tier_changes::Entity)
                .add_column(big_integer(tier_changes::Column::Recommendations).default(0))
                .to_owned(),
            Table::alter()
                .table(standings::Entity)
                .add_column(timestamp_with_time_zone_null(standings::Column::JoinedAt))
                .to_owned(),
        ];
        for change in added {
            manager.alter_table(change).await?;
        }
        manager.execute(joined()).await
    }
}

/// Whoever stands somewhere is a member.
fn joined() -> UpdateStatement {
    use members::Column as M;
    use standings::Column as S;
    let joined_at = Query::select()
        .column(M::JoinedAt)
        .from(members::Entity)
        .and_where(Expr::col((members::Entity, M::UserId)).equals((standings::Entity, S::UserId)))
        .to_owned();
    Query::update().table(standings::Entity).value(S::JoinedAt, joined_at).to_owned()
}
