//! Referrals, codes, evidence.

use crate::store::rows::referrals::{Column as R, Entity as Referrals, codes, evidence};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, small_integer, string, text, timestamp_with_time_zone, timestamp_with_time_zone_null,
    uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_referrals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [referrals(), codes(), evidence()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn referrals() -> TableCreateStatement {
    Table::create()
        .table(Referrals)
        .col(uuid(R::Id).primary_key())
        .col(string(R::AdvocateId))
        .col(string(R::FriendId))
        .col(string(R::Code))
        .col(timestamp_with_time_zone(R::TouchedAt))
        .col(timestamp_with_time_zone(R::MadeAt))
        .col(string(R::RuleVersion))
        .col(small_integer(R::Found))
        .col(text(R::Signals))
        .col(small_integer(R::Standing))
        .col(timestamp_with_time_zone_null(R::WaitingSince))
        .col(small_integer(R::Reviewed))
        .col(string(R::Reviewer))
        .col(string(R::ReviewReason))
        .col(timestamp_with_time_zone_null(R::ReviewedAt))
        .col(string(R::AppealReason))
        .col(timestamp_with_time_zone_null(R::AppealedAt))
        .col(uuid_null(R::OrderId))
        .col(timestamp_with_time_zone_null(R::PaidAt))
        .col(timestamp_with_time_zone_null(R::FinalAt))
        .col(timestamp_with_time_zone_null(R::BuyUntil))
        .col(boolean(R::FriendErased))
        .col(timestamp_with_time_zone_null(R::QualifiedAt))
        .col(timestamp_with_time_zone_null(R::ReversedAt))
        .col(small_integer(R::State))
        .col(timestamp_with_time_zone_null(R::DueAt))
        .col(uuid_null(R::CountedId))
        .col(timestamp_with_time_zone_null(R::CountedFrom))
        // Nobody brings themselves, and nothing is reversed that never counted.
        .check(Expr::col(R::AdvocateId).ne(Expr::col(R::FriendId)))
        .check(Expr::col(R::ReversedAt).is_null().or(Expr::col(R::QualifiedAt).is_not_null()))
        .to_owned()
}

fn codes() -> TableCreateStatement {
    use codes::Column as C;
    Table::create()
        .table(codes::Entity)
        .col(string(C::Code).primary_key())
        .col(string(C::UserId))
        .col(timestamp_with_time_zone(C::CreatedAt))
        .to_owned()
}

fn evidence() -> TableCreateStatement {
    use evidence::Column as C;
    Table::create()
        .table(evidence::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(small_integer(C::Kind))
        .col(string(C::Hash))
        .col(timestamp_with_time_zone_null(C::BroughtAt))
        .col(string(C::AdvocateId))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str| Index::create().name(name).to_owned();
    vec![
        index("referrals_friend").table(Referrals).col(R::FriendId).unique().to_owned(),
        index("referrals_of_advocate")
            .table(Referrals)
            .col(R::AdvocateId)
            .col(R::MadeAt)
            .to_owned(),
        index("referrals_due").table(Referrals).col(R::DueAt).to_owned(),
        index("referrals_waiting").table(Referrals).col(R::WaitingSince).to_owned(),
        index("referral_codes_of_member")
            .table(codes::Entity)
            .col(codes::Column::UserId)
            .to_owned(),
        index("referral_evidence_of_person")
            .table(evidence::Entity)
            .col(evidence::Column::UserId)
            .to_owned(),
        index("referral_evidence_by_hash")
            .table(evidence::Entity)
            .col(evidence::Column::Hash)
            .col(evidence::Column::Kind)
            .to_owned(),
    ]
}
