//! The first tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, binary_null, boolean, boolean_null, integer, integer_null, small_integer,
    small_integer_null, string, string_null, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
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
        for table in [customers(), feedback(), tickets(), ticket_events(), clocks(), messages()] {
            manager.create_table(table).await?;
        }
        manager.create_table(plans()).await?;
        manager.create_table(weekly_reports()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn customers() -> TableCreateStatement {
    Table::create()
        .table("customers")
        .col(string("user_id").primary_key())
        .col(binary_null("data_key"))
        .col(timestamp_with_time_zone_null("paying_since"))
        .col(timestamp_with_time_zone_null("erased_at"))
        .take()
}

fn feedback() -> TableCreateStatement {
    Table::create()
        .table("feedback")
        .col(uuid("id").primary_key())
        .col(string("user_id"))
        .col(small_integer("channel"))
        .col(small_integer("category"))
        .col(small_integer("tags"))
        .col(small_integer_null("rating"))
        .col(binary_null("words"))
        .col(timestamp_with_time_zone_null("interview_at"))
        .col(string_null("source"))
        .col(string_null("source_event_id"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn tickets() -> TableCreateStatement {
    Table::create()
        .table("tickets")
        .col(uuid("id").primary_key())
        .col(uuid("feedback_id").unique_key())
        .col(string("user_id"))
        .col(small_integer("channel"))
        .col(small_integer("category"))
        .col(small_integer("state"))
        .col(boolean("paying"))
        .col(boolean_null("paying_override"))
        .col(string_null("assignee"))
        .col(integer("reopen_count"))
        .col(uuid_null("follow_up_of"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("solved_at"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .take()
}

fn ticket_events() -> TableCreateStatement {
    Table::create()
        .table("ticket_events")
        .col(uuid("ticket_id"))
        .col(integer("seq"))
        .col(timestamp_with_time_zone("at"))
        .col(small_integer("kind"))
        .col(small_integer_null("code"))
        .col(integer_null("instance"))
        .col(string_null("assignee"))
        .col(string_null("actor"))
        .col(uuid_null("plan_id"))
        .primary_key(Index::create().col("ticket_id").col("seq"))
        .take()
}

fn clocks() -> TableCreateStatement {
    Table::create()
        .table("clocks")
        .col(uuid("ticket_id"))
        .col(small_integer("kind"))
        .col(integer("instance"))
        .col(small_integer("channel"))
        .col(small_integer("tier"))
        .col(uuid("plan_id"))
        .col(small_integer("outcome"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone_null("due_at"))
        .col(timestamp_with_time_zone_null("fulfilled_at"))
        .col(big_integer_null("elapsed_ms"))
        .col(boolean("warned"))
        .col(boolean("breached"))
        .col(timestamp_with_time_zone_null("alarm_at"))
        .primary_key(Index::create().col("ticket_id").col("kind").col("instance"))
        .take()
}

fn messages() -> TableCreateStatement {
    Table::create()
        .table("messages")
        .col(uuid("id").primary_key())
        .col(uuid("ticket_id"))
        .col(string("user_id"))
        .col(integer("seq"))
        .col(small_integer("author"))
        .col(string_null("author_id"))
        .col(boolean("internal"))
        .col(binary_null("body"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn plans() -> TableCreateStatement {
    Table::create().table("plans").col(uuid("id").primary_key()).col(text("body")).take()
}

fn weekly_reports() -> TableCreateStatement {
    Table::create()
        .table("weekly_reports")
        .col(string("week").primary_key())
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone("end_at"))
        .col(text("body"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table(table).take();
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        // FB-19: the same event of a caller's system is taken in once.
        index("feedback_source", "feedback", &["source_event_id", "source"]).unique().take(),
        index("feedback_user", "feedback", &["user_id", "id"]),
        index("feedback_created", "feedback", &["created_at"]),
        index("tickets_user", "tickets", &["user_id", "id"]),
        index("tickets_state", "tickets", &["state", "solved_at"]),
        index("clocks_alarm", "clocks", &["alarm_at"]),
        index("clocks_queue", "clocks", &["outcome", "tier", "kind", "plan_id", "due_at"]),
        index("clocks_started", "clocks", &["start_at"]),
        index("messages_ticket", "messages", &["ticket_id", "seq"]).unique().take(),
        index("messages_user", "messages", &["user_id"]),
    ]
}
