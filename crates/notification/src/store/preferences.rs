//! Choices, quiet hours and zones of users.

use super::CHUNK;
use super::rows::{choice, preference};
use crate::domain::kinds::Channel;
use crate::domain::preference::{Choice, QuietChoice};
use crate::domain::quiet::QuietHours;
use chrono::{DateTime, Utc};
use perennial_platform::{Error, Result};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use std::collections::HashMap;
use uuid::Uuid;

/// A user's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Quiet hours.
    pub quiet: QuietChoice,
    /// IANA zone; empty = the profile's.
    pub time_zone: String,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// A choice and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedChoice {
    /// The choice.
    pub choice: Choice,
    /// When.
    pub updated_at: DateTime<Utc>,
}

impl preference::Model {
    fn read(self) -> Result<Settings> {
        let quiet = match self.quiet {
            0 => QuietChoice::Default,
            1 => QuietChoice::Off,
            _ => QuietHours::parse(&self.quiet_start, &self.quiet_end)
                .map(QuietChoice::Own)
                .map_err(Error::internal)?,
        };
        Ok(Settings { quiet, time_zone: self.time_zone, updated_at: self.updated_at })
    }
}

/// Settings of users; those who never set anything are left out.
pub async fn settings(
    conn: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, Settings>> {
    let mut found = HashMap::new();
    for chunk in users.chunks(CHUNK) {
        let rows = preference::Entity::find()
            .filter(preference::Column::UserId.is_in(chunk))
            .all(conn)
            .await?;
        for row in rows {
            found.insert(row.user_id.clone(), row.read()?);
        }
    }
    Ok(found)
}

/// Writes a user's settings.
pub async fn save_settings(
    conn: &impl ConnectionTrait,
    user_id: &str,
    settings: &Settings,
) -> Result<()> {
    use preference::Column;
    let (quiet, start, end) = match settings.quiet {
        QuietChoice::Default => (0, String::new(), String::new()),
        QuietChoice::Off => (1, String::new(), String::new()),
        QuietChoice::Own(hours) => (2, hours.start_text(), hours.end_text()),
    };
    let row = preference::ActiveModel {
        user_id: Set(user_id.to_owned()),
        quiet: Set(quiet),
        quiet_start: Set(start),
        quiet_end: Set(end),
        time_zone: Set(settings.time_zone.clone()),
        updated_at: Set(settings.updated_at),
    };
    let overwrite = OnConflict::column(Column::UserId)
        .update_columns([
            Column::Quiet,
            Column::QuietStart,
            Column::QuietEnd,
            Column::TimeZone,
            Column::UpdatedAt,
        ])
        .to_owned();
    preference::Entity::insert(row).on_conflict(overwrite).exec_without_returning(conn).await?;
    Ok(())
}

/// Choices of users, by topic and channel.
pub async fn choices(
    conn: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, Vec<DatedChoice>>> {
    let mut found: HashMap<String, Vec<DatedChoice>> = HashMap::new();
    for chunk in users.chunks(CHUNK) {
        let rows = choice::Entity::find()
            .filter(choice::Column::UserId.is_in(chunk))
            .order_by_asc(choice::Column::Topic)
            .order_by_asc(choice::Column::Channel)
            .all(conn)
            .await?;
        for row in rows {
            let choice = Choice {
                topic: row.topic,
                channel: Channel::from_code(row.channel),
                opted_in: row.opted_in,
            };
            let dated = DatedChoice { choice, updated_at: row.updated_at };
            found.entry(row.user_id).or_default().push(dated);
        }
    }
    Ok(found)
}

/// Adds or changes choices of a user. `through`: the message whose link was used.
pub async fn save_choices(
    conn: &impl ConnectionTrait,
    user_id: &str,
    choices: &[Choice],
    through: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<()> {
    use choice::Column;
    if choices.is_empty() {
        return Ok(());
    }
    let rows = choices.iter().map(|c| choice::ActiveModel {
        user_id: Set(user_id.to_owned()),
        topic: Set(c.topic.clone()),
        channel: Set(c.channel.map_or(0, Channel::code)),
        opted_in: Set(c.opted_in),
        notification_id: Set(through),
        updated_at: Set(now),
    });
    let overwrite = OnConflict::columns([Column::UserId, Column::Topic, Column::Channel])
        .update_columns([Column::OptedIn, Column::NotificationId, Column::UpdatedAt])
        .to_owned();
    choice::Entity::insert_many(rows).on_conflict(overwrite).exec_without_returning(conn).await?;
    Ok(())
}

/// Deletes the choices of a user.
pub async fn delete_choices(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    choice::Entity::delete_many().filter(choice::Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(())
}

/// Deletes everything a user chose.
pub async fn delete_of(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    delete_choices(conn, user_id).await?;
    preference::Entity::delete_by_id(user_id.to_owned()).exec(conn).await?;
    Ok(())
}
