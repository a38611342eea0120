//! The first tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, integer, small_integer, string, text, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_notification_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [recipients(), notifications(), templates()] {
            manager.create_table(table).await?;
        }
        for table in [preferences(), choices(), open_complaints(), erased_users()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn notifications() -> TableCreateStatement {
    Table::create()
        .table("notifications")
        .col(uuid("id").primary_key())
        .col(string("user_id"))
        .col(small_integer("channel"))
        .col(string("dedupe_key"))
        .col(string("template"))
        .col(integer("template_version"))
        .col(string("topic"))
        .col(small_integer("class"))
        .col(string("trigger_name"))
        .col(text("variables"))
        .col(small_integer("state"))
        .col(string("reason"))
        .col(timestamp_with_time_zone("send_at"))
        .col(timestamp_with_time_zone_null("due_at"))
        .col(timestamp_with_time_zone_null("expire_at"))
        .col(uuid_null("claim"))
        .col(timestamp_with_time_zone_null("slot_at"))
        .col(boolean("maybe_sent"))
        .col(integer("attempts"))
        .col(text("last_error"))
        .col(integer("holds"))
        .col(string("held_for"))
        .col(text("decision"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("sent_at"))
        .col(timestamp_with_time_zone_null("read_at"))
        .to_owned()
}

fn recipients() -> TableCreateStatement {
    Table::create()
        .table("recipients")
        .col(string("user_id").primary_key())
        .col(timestamp_with_time_zone_null("last_active_at"))
        .col(timestamp_with_time_zone_null("remind_at"))
        .col(timestamp_with_time_zone_null("first_purchase_at"))
        .to_owned()
}

fn templates() -> TableCreateStatement {
    Table::create()
        .table("template_versions")
        .col(string("name"))
        .col(integer("version"))
        .col(text("texts"))
        .col(text("variables"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("name").col("version"))
        .to_owned()
}

fn preferences() -> TableCreateStatement {
    Table::create()
        .table("preferences")
        .col(string("user_id").primary_key())
        .col(small_integer("quiet"))
        .col(string("quiet_start"))
        .col(string("quiet_end"))
        .col(string("time_zone"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}

fn choices() -> TableCreateStatement {
    Table::create()
        .table("choices")
        .col(string("user_id"))
        .col(string("topic"))
        .col(small_integer("channel"))
        .col(boolean("opted_in"))
        .col(uuid_null("notification_id"))
        .col(timestamp_with_time_zone("updated_at"))
        .primary_key(Index::create().col("user_id").col("topic").col("channel"))
        .to_owned()
}

fn open_complaints() -> TableCreateStatement {
    Table::create()
        .table("open_complaints")
        .col(string("ticket_id").primary_key())
        .col(string("user_id"))
        .col(timestamp_with_time_zone("opened_at"))
        .to_owned()
}

fn erased_users() -> TableCreateStatement {
    Table::create()
        .table("erased_users")
        .col(string("user_hash").primary_key())
        .col(timestamp_with_time_zone("erased_at"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        // Each dedupe key once: the decision about a message is exactly one row.
        index("notifications_key", "notifications", &["user_id", "channel", "dedupe_key"])
            .unique()
            .to_owned(),
        index("notifications_due", "notifications", &["due_at"]),
        index("notifications_slots", "notifications", &["user_id", "slot_at"]),
        index("notifications_user", "notifications", &["user_id", "id"]),
        index("notifications_state", "notifications", &["state", "id"]),
        index("notifications_send", "notifications", &["send_at"]),
        index("recipients_remind", "recipients", &["remind_at"]),
        index("open_complaints_user", "open_complaints", &["user_id"]),
    ]
}
