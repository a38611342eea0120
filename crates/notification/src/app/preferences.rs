//! What users want to hear, where and when.

use super::App;
use crate::domain::decision::Gate;
use crate::domain::kinds::Channel;
use crate::domain::preference::{Choice, QuietChoice};
use crate::store::messages;
use crate::store::preferences::{self, DatedChoice, Settings};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{NewEvent, append};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::notification::v1::{DeliveryChannel, PreferenceChanged};
use uuid::Uuid;

/// A user's choices and settings.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// Choices by topic and channel.
    pub choices: Vec<DatedChoice>,
    /// Quiet hours and zone; `None` = never set.
    pub settings: Option<Settings>,
}

/// What to change; `None` leaves a part as it is.
#[derive(Debug, Clone, Default)]
pub struct PreferenceChange {
    /// Choices to add or change.
    pub choices: Option<Vec<Choice>>,
    /// The choices named are all there are: others are forgotten.
    pub replace_choices: bool,
    /// Quiet hours.
    pub quiet: Option<QuietChoice>,
    /// IANA zone; empty = the profile's.
    pub time_zone: Option<String>,
}

impl App {
    /// What a user chose; empty for one who never did.
    pub async fn preferences(&self, user_id: &str) -> Result<Preferences> {
        let users = [user_id.to_owned()];
        let mut choices = preferences::choices(self.db.read(), &users).await?;
        let mut settings = preferences::settings(self.db.read(), &users).await?;
        Ok(Preferences {
            choices: choices.remove(user_id).unwrap_or_default(),
            settings: settings.remove(user_id),
        })
    }

    /// Changes what a user chose. Errors: FAILED_PRECONDITION / USER_ERASED.
    pub async fn set_preferences(
        &self,
        user_id: &str,
        change: PreferenceChange,
        key: Option<Key>,
    ) -> Result<Reply<()>> {
        let now = self.clock.now();
        let reply = once(&self.db, &self.clock, key, async |tx| {
            let users = [user_id.to_owned()];
            if self.present(tx, user_id).await?.is_none() {
                return Err(Error::precondition("USER_ERASED", "the user was erased"));
            }
            if change.quiet.is_some() || change.time_zone.is_some() {
                let mut known = preferences::settings(tx, &users).await?;
                let old = known.remove(user_id);
                let settings = merged(old, &change, now);
                preferences::save_settings(tx, user_id, &settings).await?;
                messages::look_again(tx, user_id, Gate::QuietHours, now).await?;
            }
            if change.replace_choices {
                preferences::delete_choices(tx, user_id).await?;
            }
            if let Some(choices) = &change.choices {
                self.choose(tx, user_id, choices, None, now).await?;
            }
            Ok(())
        })
        .await?;
        self.wake_dispatch();
        Ok(reply)
    }

    /// Writes choices and tells the log. `through`: the message whose link was used.
    pub(super) async fn choose(
        &self,
        tx: &Tx,
        user_id: &str,
        choices: &[Choice],
        through: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        preferences::save_choices(tx, user_id, choices, through, now).await?;
        append(tx, choices.iter().map(|choice| changed(user_id, choice, now)));
        Ok(())
    }
}

fn merged(old: Option<Settings>, change: &PreferenceChange, now: DateTime<Utc>) -> Settings {
    let old = old.unwrap_or(Settings {
        quiet: QuietChoice::Default,
        time_zone: String::new(),
        updated_at: now,
    });
    Settings {
        quiet: change.quiet.unwrap_or(old.quiet),
        time_zone: change.time_zone.clone().unwrap_or(old.time_zone),
        updated_at: now,
    }
}

fn changed(user_id: &str, choice: &Choice, now: DateTime<Utc>) -> NewEvent {
    let channel = choice.channel.map_or(0, Channel::code);
    let event = PreferenceChanged {
        user_id: user_id.to_owned(),
        topic: choice.topic.clone(),
        channel: DeliveryChannel::try_from(i32::from(channel))
            .unwrap_or(DeliveryChannel::Unspecified)
            .into(),
        opted_in: choice.opted_in,
    };
    NewEvent::of(now, user_id, &event)
}
