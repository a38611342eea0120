//! Incidents, who was given what for them, and complaints that were made up for.

use crate::store::rows::incidents::{declared as incidents, incident_members, tickets};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0013_compensation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [incidents(), incident_members(), tickets()] {
            manager.create_table(table).await?;
        }
        let by_state = Index::create()
            .name("incidents_by_state")
            .table(incidents::Entity)
            .col(incidents::Column::State)
            .to_owned();
        manager.create_index(by_state).await
    }
}

fn incidents() -> TableCreateStatement {
    use incidents::Column as C;
    Table::create()
        .table(incidents::Entity)
        .col(uuid(C::Id).primary_key())
        .col(string(C::Key).unique_key())
        .col(small_integer(C::State))
        .col(timestamp_with_time_zone(C::FromAt))
        .col(timestamp_with_time_zone(C::ToAt))
        .col(text(C::Filter))
        .col(text(C::Rewards))
        .col(string(C::TicketId))
        .col(string(C::DeclaredBy))
        .col(timestamp_with_time_zone(C::DeclaredAt))
        .col(string(C::ApprovedBy))
        .col(timestamp_with_time_zone_null(C::ApprovedAt))
        .col(string(C::RuleVersion))
        .col(string(C::Cursor))
        .col(big_integer(C::Examined))
        .col(big_integer(C::Granted))
        .col(big_integer(C::Revoked))
        .check(Expr::cust("from_at < to_at"))
        // Nobody approves what they declared themselves.
        .check(Expr::cust("approved_by <> declared_by"))
        .to_owned()
}

fn incident_members() -> TableCreateStatement {
    use incident_members::Column as C;
    Table::create()
        .table(incident_members::Entity)
        .col(uuid(C::IncidentId))
        .col(string(C::UserId))
        .col(timestamp_with_time_zone(C::GrantedAt))
        .col(timestamp_with_time_zone_null(C::RevokedAt))
        .primary_key(Index::create().col(C::IncidentId).col(C::UserId))
        .to_owned()
}

fn tickets() -> TableCreateStatement {
    use tickets::Column as C;
    Table::create()
        .table(tickets::Entity)
        .col(string(C::TicketId).primary_key())
        .col(string(C::UserId))
        .col(string(C::DeclaredBy))
        .col(timestamp_with_time_zone(C::GivenAt))
        .to_owned()
}
