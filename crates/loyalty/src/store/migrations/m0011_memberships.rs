//! Memberships, their time, charges, notices, payouts; who had a trial.

use crate::store::rows::charges::{self, notices, payouts};
use crate::store::rows::memberships::{self, stretches, transitions, trials};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, small_integer, string, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_memberships"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            memberships_table(),
            stretches_table(),
            transitions_table(),
            trials_table(),
            charges_table(),
            notices_table(),
            payouts_table(),
        ];
        for table in tables {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn memberships_table() -> TableCreateStatement {
    use memberships::Column as C;
    Table::create()
        .table(memberships::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(string(C::Plan))
        .col(small_integer(C::Period))
        .col(timestamp_with_time_zone(C::BeganAt))
        .col(string(C::RuleVersion))
        .col(timestamp_with_time_zone(C::CreatedAt))
        .col(integer(C::AnchorDay))
        .col(timestamp_with_time_zone_null(C::CanceledAt))
        .col(timestamp_with_time_zone_null(C::PausedAt))
        .col(timestamp_with_time_zone_null(C::PauseUntil))
        .col(string(C::NextPlan))
        .col(small_integer(C::NextPeriod))
        .col(integer(C::Charges))
        .col(timestamp_with_time_zone_null(C::EndedAt))
        .col(small_integer(C::Ending))
        .col(small_integer(C::State))
        .col(timestamp_with_time_zone(C::StateSince))
        .col(timestamp_with_time_zone_null(C::DueAt))
        .to_owned()
}

fn stretches_table() -> TableCreateStatement {
    use stretches::Column as C;
    Table::create()
        .table(stretches::Entity)
        .col(uuid(C::MembershipId))
        .col(integer(C::Number))
        .col(small_integer(C::Kind))
        .col(string(C::Plan))
        .col(string(C::Source))
        .col(timestamp_with_time_zone(C::StartsAt))
        .col(timestamp_with_time_zone(C::EndsAt))
        .primary_key(Index::create().col(C::MembershipId).col(C::Number))
        .check(Expr::col(C::StartsAt).lt(Expr::col(C::EndsAt)))
        .to_owned()
}

fn transitions_table() -> TableCreateStatement {
    use transitions::Column as C;
    Table::create()
        .table(transitions::Entity)
        .col(string(C::UserId))
        .col(big_integer(C::Number))
        .col(uuid(C::MembershipId))
        .col(string(C::Plan))
        .col(small_integer(C::FromState))
        .col(small_integer(C::ToState))
        .col(timestamp_with_time_zone(C::ChangedAt))
        .primary_key(Index::create().col(C::UserId).col(C::Number))
        .to_owned()
}

fn trials_table() -> TableCreateStatement {
    use trials::Column as C;
    Table::create()
        .table(trials::Entity)
        .col(string(C::Person).primary_key())
        .col(timestamp_with_time_zone(C::BeganAt))
        .to_owned()
}

fn charges_table() -> TableCreateStatement {
    use charges::Column as C;
    // What is paid says when and how; what is not paid covers nothing.
    let paid = Expr::col(C::State).eq(2).eq(Expr::col(C::PaidAt).is_not_null());
    Table::create()
        .table(charges::Entity)
        .col(uuid(C::Id).primary_key())
        .col(uuid(C::MembershipId))
        .col(string(C::UserId))
        .col(small_integer(C::Kind))
        .col(small_integer(C::State))
        .col(big_integer(C::Amount).check(Expr::col(C::Amount).gte(0)))
        .col(string(C::Currency))
        .col(string(C::Plan))
        .col(small_integer(C::Period))
        .col(integer(C::Months))
        .col(string(C::RuleVersion))
        .col(timestamp_with_time_zone(C::NoticedAt))
        .col(timestamp_with_time_zone(C::DueAt))
        .col(timestamp_with_time_zone_null(C::AskedAt))
        .col(integer(C::Failures))
        .col(string(C::Failure))
        .col(timestamp_with_time_zone_null(C::PaidAt))
        .col(string(C::PaymentRef))
        .col(timestamp_with_time_zone_null(C::CoversFrom))
        .col(timestamp_with_time_zone_null(C::CoversUntil))
        .check(paid)
        .check(Expr::col(C::NoticedAt).lte(Expr::col(C::DueAt)))
        .to_owned()
}

fn notices_table() -> TableCreateStatement {
    use notices::Column as C;
    Table::create()
        .table(notices::Entity)
        .col(uuid(C::ChargeId))
        .col(big_integer(C::Number))
        .col(big_integer(C::Amount))
        .col(string(C::Currency))
        .col(timestamp_with_time_zone(C::DueAt))
        .col(timestamp_with_time_zone(C::RecordedAt))
        .primary_key(Index::create().col(C::ChargeId).col(C::Number))
        .to_owned()
}

fn payouts_table() -> TableCreateStatement {
    use payouts::Column as C;
    Table::create()
        .table(payouts::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(big_integer(C::Amount).check(Expr::col(C::Amount).gte(0)))
        .col(string(C::Currency))
        .col(small_integer(C::Cause))
        .col(timestamp_with_time_zone(C::DueAt))
        .col(timestamp_with_time_zone_null(C::DoneAt))
        .col(string(C::PaymentRef))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str| Index::create().name(name).to_owned();
    vec![
        // At most one that has not ended.
        index("memberships_running")
            .table(memberships::Entity)
            .col(memberships::Column::UserId)
            .unique()
            .cond_where(Expr::cust("ended_at IS NULL"))
            .to_owned(),
        index("memberships_of_member")
            .table(memberships::Entity)
            .col(memberships::Column::UserId)
            .col(memberships::Column::CreatedAt)
            .to_owned(),
        index("memberships_due")
            .table(memberships::Entity)
            .col(memberships::Column::DueAt)
            .to_owned(),
        index("membership_charges_open")
            .table(charges::Entity)
            .col(charges::Column::MembershipId)
            .unique()
            .cond_where(Expr::cust("state = 1"))
            .to_owned(),
        index("membership_charges_due")
            .table(charges::Entity)
            .col(charges::Column::DueAt)
            .col(charges::Column::Id)
            .cond_where(Expr::cust("state = 1"))
            .to_owned(),
        index("membership_charges_of_membership")
            .table(charges::Entity)
            .col(charges::Column::MembershipId)
            .col(charges::Column::NoticedAt)
            .to_owned(),
        index("membership_charges_of_member")
            .table(charges::Entity)
            .col(charges::Column::UserId)
            .col(charges::Column::PaidAt)
            .to_owned(),
        index("membership_payouts_due")
            .table(payouts::Entity)
            .col(payouts::Column::DueAt)
            .col(payouts::Column::Id)
            .cond_where(Expr::cust("done_at IS NULL"))
            .to_owned(),
    ]
}
