//! Coupons, places, the catalogue, charity, feature unlocks.

use crate::store::rows::benefits::{
    claims, coupons, cycles, quotas, redemptions, set_asides, unlocks,
};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_benefits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            [coupons(), cycles(), quotas(), claims(), redemptions(), set_asides(), unlocks()];
        for table in tables {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn coupons() -> TableCreateStatement {
    use coupons::Column as C;
    Table::create()
        .table(coupons::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::Code).unique_key())
        .col(string(C::UserId))
        .col(string(C::Kind))
        .col(string(C::RuleVersion))
        .col(text(C::Terms))
        .col(small_integer(C::State))
        .col(timestamp_with_time_zone(C::IssuedAt))
        .col(timestamp_with_time_zone_null(C::ExpiresAt))
        .col(string(C::OrderRef))
        .col(big_integer(C::Discount))
        .col(string(C::Currency))
        .col(timestamp_with_time_zone_null(C::ReservedUntil))
        .col(timestamp_with_time_zone_null(C::UsedAt))
        // A coupon that is used has an order and a time, and no other has a time.
        .check(Expr::cust("(state = 3) = (used_at IS NOT NULL)"))
        .check(Expr::cust("(state IN (2, 3)) = (order_ref <> '')"))
        .check(Expr::cust("discount >= 0"))
        .to_owned()
}

fn cycles() -> TableCreateStatement {
    use cycles::Column as C;
    Table::create()
        .table(cycles::Entity)
        .col(string(C::UserId).primary_key())
        .col(timestamp_with_time_zone(C::DueAt))
        .col(uuid(C::Purchase))
        .to_owned()
}

fn quotas() -> TableCreateStatement {
    use quotas::Column as C;
    Table::create()
        .table(quotas::Entity)
        .col(string(C::Id).primary_key())
        .col(big_integer(C::Places))
        .col(big_integer(C::Taken))
        .col(big_integer(C::Accepted))
        // I16.
        .check(Expr::cust("taken >= 0 AND taken <= places"))
        .to_owned()
}

fn claims() -> TableCreateStatement {
    use claims::Column as C;
    Table::create()
        .table(claims::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Key))
        .col(string(C::QuotaId))
        .col(small_integer(C::State))
        .col(big_integer(C::Number))
        .col(timestamp_with_time_zone(C::ClaimedAt))
        .col(timestamp_with_time_zone(C::HeldUntil))
        .col(timestamp_with_time_zone_null(C::ResolvedAt))
        .col(string(C::RuleVersion))
        .to_owned()
}

fn redemptions() -> TableCreateStatement {
    use redemptions::Column as C;
    Table::create()
        .table(redemptions::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Item))
        .col(big_integer(C::Points))
        .col(small_integer(C::State))
        .col(uuid(C::EntryId))
        .col(uuid(C::Stock))
        .col(uuid_null(C::Place))
        .col(timestamp_with_time_zone(C::RedeemedAt))
        .col(timestamp_with_time_zone_null(C::HeldUntil))
        .col(timestamp_with_time_zone_null(C::ResolvedAt))
        .col(string(C::RuleVersion))
        .to_owned()
}

fn set_asides() -> TableCreateStatement {
    use set_asides::Column as C;
    Table::create()
        .table(set_asides::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Project))
        .col(string(C::OrderRef))
        .col(uuid_null(C::Reverses))
        .col(small_integer(C::Kind))
        .col(string(C::Currency))
        .col(big_integer(C::Paid))
        .col(big_integer(C::Amount))
        .col(big_integer(C::Points))
        .col(string(C::Month))
        .col(string(C::RuleVersion))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .to_owned()
}

fn unlocks() -> TableCreateStatement {
    use unlocks::Column as C;
    Table::create()
        .table(unlocks::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Feature))
        .col(integer(C::Months))
        .col(integer(C::Days))
        .col(timestamp_with_time_zone(C::GrantedAt))
        .col(timestamp_with_time_zone(C::FromAt))
        .col(timestamp_with_time_zone_null(C::UntilAt))
        .col(timestamp_with_time_zone_null(C::RevokedAt))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str| Index::create().name(name).to_owned();
    vec![
        index("coupons_of_member")
            .table(coupons::Entity)
            .col(coupons::Column::UserId)
            .col(coupons::Column::IssuedAt)
            .to_owned(),
        index("cycles_due").table(cycles::Entity).col(cycles::Column::DueAt).to_owned(),
        index("claims_of_quota")
            .table(claims::Entity)
            .col(claims::Column::QuotaId)
            .col(claims::Column::Number)
            .unique()
            .to_owned(),
        index("claims_of_member")
            .table(claims::Entity)
            .col(claims::Column::UserId)
            .col(claims::Column::ClaimedAt)
            .to_owned(),
        index("claims_due")
            .table(claims::Entity)
            .col(claims::Column::State)
            .col(claims::Column::HeldUntil)
            .to_owned(),
        index("redemptions_of_member")
            .table(redemptions::Entity)
            .col(redemptions::Column::UserId)
            .col(redemptions::Column::RedeemedAt)
            .to_owned(),
        index("set_asides_of_project")
            .table(set_asides::Entity)
            .col(set_asides::Column::Project)
            .col(set_asides::Column::Month)
            .to_owned(),
        index("set_asides_of_order")
            .table(set_asides::Entity)
            .col(set_asides::Column::UserId)
            .col(set_asides::Column::OrderRef)
            .to_owned(),
        index("set_asides_reversed")
            .table(set_asides::Entity)
            .col(set_asides::Column::Reverses)
            .to_owned(),
        index("unlocks_of_member")
            .table(unlocks::Entity)
            .col(unlocks::Column::UserId)
            .col(unlocks::Column::GrantedAt)
            .to_owned(),
    ]
}
