//! Time zones, days, tallies and their marks, streaks, badges.

use crate::store::rows::progress::{badges, days, marks, streaks, tallies, zones};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, date, date_null, integer, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_progress"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use marks::Column as M;
        for table in [zones(), days(), tallies(), marks(), streaks(), badges()] {
            manager.create_table(table).await?;
        }
        let index = |name: &str| Index::create().name(name).to_owned();
        let indexes = [
            index("progress_marks_by_order")
                .table(marks::Entity)
                .col(M::UserId)
                .col(M::OrderRef)
                .to_owned(),
            index("progress_marks_by_day")
                .table(marks::Entity)
                .col(M::UserId)
                .col(M::Sort)
                .col(M::Offer)
                .col(M::LocalDate)
                .to_owned(),
            index("badges_of_member")
                .table(badges::Entity)
                .col(badges::Column::UserId)
                .col(badges::Column::GivenAt)
                .to_owned(),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn zones() -> TableCreateStatement {
    use zones::Column as C;
    Table::create()
        .table(zones::Entity)
        .col(string(C::UserId))
        .col(timestamp_with_time_zone(C::EffectiveFrom))
        .col(string(C::Zone))
        .primary_key(Index::create().col(C::UserId).col(C::EffectiveFrom))
        .to_owned()
}

fn days() -> TableCreateStatement {
    use days::Column as C;
    Table::create()
        .table(days::Entity)
        .col(string(C::UserId))
        .col(small_integer(C::Deed))
        .col(date(C::LocalDate))
        .col(timestamp_with_time_zone(C::FirstAt))
        .col(timestamp_with_time_zone(C::LastAt))
        .primary_key(Index::create().col(C::UserId).col(C::Deed).col(C::LocalDate))
        .to_owned()
}

fn tallies() -> TableCreateStatement {
    use tallies::Column as C;
    Table::create()
        .table(tallies::Entity)
        .col(string(C::UserId))
        .col(small_integer(C::Sort))
        .col(string(C::Offer))
        .col(integer(C::Round))
        .col(string(C::RuleVersion))
        .col(timestamp_with_time_zone(C::BeganAt))
        .col(date_null(C::LastDay))
        .col(big_integer(C::Goal))
        .col(big_integer(C::Done))
        .col(timestamp_with_time_zone_null(C::CompletedAt))
        .col(timestamp_with_time_zone_null(C::LeftAt))
        .col(string(C::CauseId))
        .primary_key(Index::create().col(C::UserId).col(C::Sort).col(C::Offer).col(C::Round))
        .check(Expr::col(C::Round).gte(1).and(Expr::col(C::Goal).gte(1)))
        .check(Expr::col(C::CompletedAt).is_null().or(Expr::col(C::LeftAt).is_null()))
        .to_owned()
}

fn marks() -> TableCreateStatement {
    use marks::Column as C;
    Table::create()
        .table(marks::Entity)
        .col(string(C::UserId))
        .col(small_integer(C::Sort))
        .col(string(C::Offer))
        .col(uuid(C::EventId))
        .col(uuid_null(C::TakesBack))
        .col(integer(C::Round))
        .col(date(C::LocalDate))
        .col(timestamp_with_time_zone(C::OccurredAt))
        .col(big_integer(C::Amount))
        .col(big_integer(C::Paid))
        .col(string(C::Currency))
        .col(string(C::OrderRef))
        .primary_key(Index::create().col(C::UserId).col(C::Sort).col(C::Offer).col(C::EventId))
        .to_owned()
}

fn streaks() -> TableCreateStatement {
    use streaks::Column as C;
    Table::create()
        .table(streaks::Entity)
        .col(string(C::UserId))
        .col(string(C::Offer))
        .col(small_integer(C::Deed))
        .col(text(C::State))
        .col(text(C::Rewarded))
        .primary_key(Index::create().col(C::UserId).col(C::Offer))
        .to_owned()
}

fn badges() -> TableCreateStatement {
    use badges::Column as C;
    Table::create()
        .table(badges::Entity)
        .col(uuid(C::GrantId).primary_key())
        .col(string(C::UserId))
        .col(string(C::Badge))
        .col(timestamp_with_time_zone(C::GivenAt))
        .to_owned()
}
