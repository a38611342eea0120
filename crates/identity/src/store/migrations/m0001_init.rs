//! The first tables.

use crate::store::rows::{activity, complaint, membership, profile, spend_day, user, user_day};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary, binary_null, boolean, integer, small_integer, string,
    string_null, timestamp_with_time_zone as time, timestamp_with_time_zone_null as time_null,
    uuid,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [users(), profiles(), activities(), user_days(), spend_days()] {
            manager.create_table(table).await?;
        }
        for table in [memberships(), complaints()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn users() -> TableCreateStatement {
    use user::Column as C;
    Table::create()
        .table(user::Entity)
        .col(string(C::UserId).primary_key())
        .col(time(C::CreateTime))
        .col(time_null(C::GivenRegisterTime))
        .col(time_null(C::FirstTime))
        .col(integer(C::RegisterDay))
        .col(time_null(C::LastOwnTime))
        .col(time_null(C::LastNegativeTime))
        .col(time_null(C::LastPositiveTime))
        .col(big_integer(C::Purchases))
        .col(big_integer(C::Uses))
        .col(big_integer(C::Feedbacks))
        .col(big_integer(C::Referrals))
        .col(binary(C::Sessions))
        .col(big_integer(C::OpenComplaints))
        .col(string(C::Industry))
        .col(boolean(C::Influencer))
        .col(time_null(C::EraseTime))
        .col(boolean(C::Erased))
        .col(small_integer(C::Grade))
        .col(small_integer(C::Signals))
        .col(small_integer(C::Stage))
        .col(time_null(C::NextChangeTime))
        .to_owned()
}

fn profiles() -> TableCreateStatement {
    use profile::Column as C;
    Table::create()
        .table(profile::Entity)
        .col(string(C::UserId).primary_key())
        .col(binary(C::WrappedKey))
        .col(binary(C::Sealed))
        .col(binary_null(C::EmailHash))
        .col(binary_null(C::PhoneHash))
        .col(string(C::Locale))
        .col(string(C::TimeZone))
        .col(string(C::AcquisitionChannel))
        .col(big_integer(C::Revision))
        .col(time(C::UpdateTime))
        .to_owned()
}

fn activities() -> TableCreateStatement {
    use activity::Column as C;
    Table::create()
        .table(activity::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::UserId))
        .col(small_integer(C::Kind))
        .col(time(C::OccurTime))
        .col(time(C::RecordTime))
        .col(string(C::Source))
        .col(string(C::SourceEventId))
        .col(string(C::Object))
        .col(big_integer_null(C::DurationMillis))
        .col(string_null(C::Currency))
        .col(big_integer_null(C::MinorUnits))
        .to_owned()
}

fn user_days() -> TableCreateStatement {
    use user_day::Column as C;
    Table::create()
        .table(user_day::Entity)
        .col(string(C::UserId))
        .col(integer(C::Day))
        .col(integer(C::Own))
        .col(integer(C::Logins))
        .col(integer(C::Sessions))
        .col(integer(C::CheckIns))
        .col(integer(C::LesserUses))
        .col(integer(C::Interactions))
        .col(big_integer(C::SessionMillis))
        .primary_key(Index::create().col(C::UserId).col(C::Day))
        .to_owned()
}

fn spend_days() -> TableCreateStatement {
    use spend_day::Column as C;
    Table::create()
        .table(spend_day::Entity)
        .col(string(C::UserId))
        .col(string(C::Currency))
        .col(integer(C::Day))
        .col(integer(C::Purchases))
        .col(integer(C::Refunds))
        .col(big_integer(C::Paid))
        .col(big_integer(C::Refunded))
        .col(big_integer(C::LastPurchaseMicros))
        .primary_key(Index::create().col(C::UserId).col(C::Currency).col(C::Day))
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    use membership::Column as C;
    Table::create()
        .table(membership::Entity)
        .col(string(C::Segment))
        .col(string(C::UserId))
        .col(time(C::EnterTime))
        .primary_key(Index::create().col(C::Segment).col(C::UserId))
        .to_owned()
}

fn complaints() -> TableCreateStatement {
    use complaint::Column as C;
    Table::create()
        .table(complaint::Entity)
        .col(string(C::TicketId).primary_key())
        .col(string(C::UserId))
        .col(boolean(C::Open))
        .col(time(C::UpdateTime))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    use sea_orm::{EntityName, Iden};
    // A helper that names the index after its table and columns.
    fn index<T: EntityName, C: Iden + Copy + 'static>(
        table: T,
        columns: &[C],
    ) -> IndexCreateStatement {
        let names: Vec<_> = columns.iter().map(Iden::to_string).collect();
        let mut index = Index::create();
        index.name(format!("ix_{}_{}", table.table_name(), names.join("_")));
        index.table(table.table_ref());
        for column in columns {
            index.col(*column);
        }
        index
    }
    vec![
        // The due index: whose verdict changes next.
        index(user::Entity, &[user::Column::NextChangeTime]),
        // Retention cohorts.
        index(user::Entity, &[user::Column::RegisterDay]),
        index(profile::Entity, &[profile::Column::EmailHash]),
        index(profile::Entity, &[profile::Column::PhoneHash]),
        // One user's activities by time.
        index(
            activity::Entity,
            &[activity::Column::UserId, activity::Column::OccurTime, activity::Column::Id],
        ),
        // Active users of a stretch of days.
        index(user_day::Entity, &[user_day::Column::Day, user_day::Column::UserId]),
        // Buyers of a stretch of days in a currency.
        index(spend_day::Entity, &[spend_day::Column::Currency, spend_day::Column::Day]),
        index(membership::Entity, &[membership::Column::UserId]),
        index(complaint::Entity, &[complaint::Column::UserId]),
    ]
}
