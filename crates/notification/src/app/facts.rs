//! What decisions look at, read for many users at once.

use super::{App, Profile};
use crate::config::Rules;
use crate::domain::caps::{self, Slot};
use crate::domain::decision::{Circumstances, Reachable};
use crate::domain::notification::Notification;
use crate::domain::preference::QuietChoice;
use crate::domain::zone;
use crate::store::preferences::{DatedChoice, Settings};
use crate::store::{messages, people, preferences};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::ConnectionTrait;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Preferences, complaints, slots and tombstones of some users.
#[derive(Debug)]
pub(crate) struct Facts {
    choices: HashMap<String, Vec<DatedChoice>>,
    settings: HashMap<String, Settings>,
    complaining: HashSet<String>,
    slots: HashMap<String, Vec<(Uuid, Slot)>>,
    erased: HashSet<String>,
}

impl App {
    /// Reads the facts about `users` as they stand at `now`: five statements, however many users.
    pub(crate) async fn facts(
        &self,
        conn: &impl ConnectionTrait,
        users: &[String],
        now: DateTime<Utc>,
    ) -> Result<Facts> {
        let hashes: Vec<String> = users.iter().map(|user| self.tombstone(user)).collect();
        Ok(Facts {
            choices: preferences::choices(conn, users).await?,
            settings: preferences::settings(conn, users).await?,
            complaining: people::complaining(conn, users).await?,
            slots: messages::slots(conn, users, now - caps::reach(&self.rules.policy.caps)).await?,
            erased: people::erased(conn, &hashes).await?,
        })
    }

    /// What holds for one message.
    pub(crate) fn circumstances(
        &self,
        facts: &Facts,
        message: &Notification,
        profile: Option<&Profile>,
    ) -> Circumstances {
        facts.of(message, profile, &self.rules, &self.tombstone(&message.user_id))
    }
}

impl Facts {
    fn of(
        &self,
        message: &Notification,
        profile: Option<&Profile>,
        rules: &Rules,
        hash: &str,
    ) -> Circumstances {
        let user = &message.user_id;
        let settings = self.settings.get(user);
        let choices = self.choices.get(user).into_iter().flatten();
        let slots = self.slots.get(user).into_iter().flatten();
        Circumstances {
            erased: self.erased.contains(hash),
            choices: choices.map(|dated| dated.choice.clone()).collect(),
            reachable: Reachable {
                email: profile.is_some_and(|p| !p.email.expose().is_empty()),
                webhook: rules.webhook,
            },
            complaint_open: self.complaining.contains(user),
            slots: slots.filter(|(id, _)| *id != message.id).map(|(_, s)| s.clone()).collect(),
            zone: zone::pick(
                settings.map(|s| s.time_zone.as_str()),
                profile.map(|p| p.time_zone.as_str()),
                rules.zone,
            ),
            quiet: settings.map_or(QuietChoice::Default, |s| s.quiet).resolve(rules.quiet),
        }
    }

    /// Takes note of a message that was just decided, so that the next one of the same user
    /// counts it.
    pub(crate) fn note(&mut self, message: &Notification) {
        let slots = self.slots.entry(message.user_id.clone()).or_default();
        slots.retain(|(id, _)| *id != message.id);
        if let Some(at) = message.slot_at {
            let slot = Slot { channel: message.channel, topic: message.topic.clone(), at };
            slots.push((message.id, slot));
        }
    }
}
