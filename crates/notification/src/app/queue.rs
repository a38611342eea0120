//! The queue of due messages: claimed in one transaction, handed over outside of any, recorded
//! in another. What a crash leaves between the two is found by its lease and told as UNKNOWN.

use super::{App, NotificationId, Profile, figures};
use crate::domain::decision::{Outcome, decide};
use crate::domain::kinds::{Channel, State};
use crate::domain::notification::{Lease, Notification};
use crate::domain::retry::Setback;
use crate::domain::template::Template;
use crate::store::{messages, people, templates};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::events::{NewEvent, append};
use perennial_proto::notification::v1::{
    DeliveryChannel, NotificationDropped, NotificationFailed, NotificationHeld, NotificationSent,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Name of the template that stands below every e-mail.
const FOOTER: &str = "email-footer";

/// A claimed message and all that is needed to hand it over. Holds personal data; lives no
/// longer than the hand-over.
#[derive(Debug)]
pub struct Handover {
    /// The message, claimed.
    pub message: Notification,
    /// The version it is sent with.
    pub template: Arc<Template>,
    /// What stands below e-mails.
    pub footer: Option<Arc<Template>>,
    /// The user.
    pub profile: Profile,
}

/// Why a hand-over did not work, in words that may be stored and shown: no addresses, no texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Public words.
    pub error: String,
    /// What it means for the next attempt.
    pub setback: Setback,
}

/// A message and how its hand-over ended.
pub type Ended = (Notification, Result<(), Refused>);

impl App {
    /// Decides about a batch of due messages and claims those that pass; messages for the inbox
    /// are delivered by that alone. Returns how many were looked at, and what to hand over.
    ///
    /// Errors: UNAVAILABLE while identity or the database is away; nothing is changed then.
    pub async fn claim(&self) -> Result<(u64, Vec<Handover>)> {
        let now = self.clock.now();
        let mut ids = messages::due(self.db.read(), now, self.rules.batch.into()).await?;
        if ids.is_empty() {
            return Ok((0, Vec::new()));
        }
        let users: BTreeSet<String> = ids.iter().map(|(_, user)| user.clone()).collect();
        let users: Vec<String> = users.into_iter().collect();
        let mut profiles = self.profiles.of(&users).await?;

        let tx = self.db.begin().await?;
        // Users first, then messages, the same order as everywhere.
        let held = self.take(&tx, &users).await?;
        ids.retain(|(_, user)| held.contains(user));
        let ids: Vec<Uuid> = ids.into_iter().map(|(id, _)| id).collect();
        let mut batch = messages::lock(&tx, &ids).await?;
        batch.retain(|message| message.due_at.is_some_and(|due| due <= now));
        // Who asked for something comes first to the last slot, then who waits longest.
        batch.sort_by_key(|message| (message.class, message.send_at, message.id));
        let templates = self.decide_all(&tx, &mut batch, &users, &profiles, now).await?;
        messages::save(&tx, &batch).await?;
        append(&tx, batch.iter().filter_map(|message| goes_on(message, now)));
        tx.commit().await?;
        figures::count(&batch);

        let looked_at = batch.len() as u64;
        let claimed = batch.into_iter().filter(|message| message.state == State::Claimed);
        let handovers = claimed.filter_map(|message| {
            let template = Arc::clone(templates.get(&message.template)?);
            // One user can have several messages in a batch.
            let profile = profiles.entry(message.user_id.clone()).or_default().clone();
            let footer = templates.get(FOOTER).cloned();
            Some(Handover { message, template, footer, profile })
        });
        Ok((looked_at, handovers.collect()))
    }

    /// Locks users whose messages are due. One whom somebody else holds is left to them, and what
    /// remains due is found the next time. One without a row is nobody's, so their messages would
    /// stay at the head of the queue for ever: they are taken, and the gates decide.
    async fn take(&self, tx: &Tx, users: &[String]) -> Result<HashSet<String>> {
        let held = people::try_lock(tx, users).await?;
        let mut held: HashSet<String> = held.into_iter().map(|person| person.user_id).collect();
        let others: Vec<String> = users.iter().filter(|u| !held.contains(*u)).cloned().collect();
        let absent = people::absent(tx, &others).await?;
        if !absent.is_empty() {
            held.extend(self.hold(tx, &absent).await?);
            held.extend(people::try_lock(tx, &absent).await?.into_iter().map(|p| p.user_id));
        }
        Ok(held)
    }

    /// Runs the gates over the batch; a message sees the slots of those before it.
    async fn decide_all(
        &self,
        tx: &Tx,
        batch: &mut [Notification],
        users: &[String],
        profiles: &HashMap<String, Profile>,
        now: DateTime<Utc>,
    ) -> Result<HashMap<String, Arc<Template>>> {
        let names: BTreeSet<&str> = batch.iter().map(|m| m.template.as_str()).collect();
        let names: Vec<String> = names.into_iter().chain([FOOTER]).map(str::to_owned).collect();
        let templates = templates::newest(tx, &names).await?;
        let mut facts = self.facts(tx, users, now).await?;
        let lease = Lease { claim: Uuid::new_v4(), until: now + self.rules.lease };
        for message in batch {
            if message.state == State::Claimed {
                message.lost(self.rules.on_unknown, &self.rules.retry, now);
            } else {
                let version = templates.get(&message.template).map_or(0, |t| t.version);
                let circumstances =
                    self.circumstances(&facts, message, profiles.get(&message.user_id));
                let decision = decide(message, &circumstances, &self.rules.policy, now);
                let sent = decision.outcome == Outcome::Send;
                message.decided(decision, self.rules.class(message.class), version, lease);
                if sent && message.channel == Channel::Inbox {
                    message.sent(now);
                }
            }
            facts.note(message);
        }
        Ok(templates.into_iter().map(|(name, t)| (name, Arc::new(t))).collect())
    }

    /// Records how hand-overs ended. A message whose lease went to somebody else meanwhile is
    /// left to them. Answers the messages that an erasure deleted meanwhile: what was handed over
    /// of them may still lie in the folder of the embedded channel.
    pub async fn record(&self, ended: &[Ended]) -> Result<Vec<Notification>> {
        let now = self.clock.now();
        let tx = self.db.begin().await?;
        let ours = messages::lock_claimed(&tx, ended.iter().map(|(message, _)| message)).await?;
        let mut changed = Vec::with_capacity(ended.len());
        let mut late = Vec::new();
        for (message, result) in ended {
            let mut message = message.clone();
            if !ours.contains(&message.id) {
                late.push(message);
                continue;
            }
            match result {
                Ok(()) => message.sent(now),
                Err(refused) => {
                    message.failed(&refused.error, refused.setback, &self.rules.retry, now);
                }
            }
            changed.push(message);
        }
        messages::save(&tx, &changed).await?;
        append(&tx, changed.iter().filter_map(|message| goes_on(message, now)));
        tx.commit().await?;
        figures::count(&changed);
        self.erased_meanwhile(late).await
    }

    /// Gives back messages that were claimed and will not be handed over here, so that nobody has
    /// to wait for the lease to run out and wonder what became of them.
    pub async fn release(&self, claimed: Vec<Notification>) -> Result<()> {
        if claimed.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let tx = self.db.begin().await?;
        let ours = messages::lock_claimed(&tx, claimed.iter()).await?;
        let mut given_back: Vec<_> =
            claimed.into_iter().filter(|message| ours.contains(&message.id)).collect();
        for message in &mut given_back {
            message.released(now);
        }
        messages::save(&tx, &given_back).await?;
        tx.commit().await
    }

    async fn erased_meanwhile(&self, mut late: Vec<Notification>) -> Result<Vec<Notification>> {
        if late.is_empty() {
            return Ok(late);
        }
        let ids: Vec<Uuid> = late.iter().map(|message| message.id).collect();
        let there = messages::by_ids(self.db.read(), &ids).await?;
        for message in &there {
            tracing::warn!(id = %message.id, "a hand-over ended after its lease");
        }
        late.retain(|message| there.iter().all(|other| other.id != message.id));
        Ok(late)
    }
}

/// What the log tells about a step that belongs to the trace of the message.
fn goes_on(message: &Notification, now: DateTime<Utc>) -> Option<NewEvent> {
    told(message, now).map(|event| event.follow(&message.traceparent))
}

/// What the log tells about the step a message just took.
pub(super) fn told(message: &Notification, now: DateTime<Utc>) -> Option<NewEvent> {
    let user_id = message.user_id.clone();
    let notification_id = NotificationId::from(message.id).to_string();
    let channel = DeliveryChannel::try_from(i32::from(message.channel.code()))
        .unwrap_or(DeliveryChannel::Unspecified)
        .into();
    let reason = message.reason.clone();
    let subject = message.user_id.as_str();
    let cause_event_id = cause(message).unwrap_or_default().to_owned();
    match message.state {
        State::Sent => {
            let template = message.template.clone();
            let event =
                NotificationSent { user_id, notification_id, template, channel, cause_event_id };
            Some(NewEvent::of(now, subject, &event))
        }
        State::Held => {
            let event = NotificationHeld { user_id, notification_id, reason };
            Some(NewEvent::of(now, subject, &event))
        }
        State::Dropped | State::Cancelled => {
            let event = NotificationDropped { user_id, notification_id, reason, cause_event_id };
            Some(NewEvent::of(now, subject, &event))
        }
        State::Dead => {
            let event = NotificationFailed { user_id, notification_id, channel, cause_event_id };
            Some(NewEvent::of(now, subject, &event))
        }
        State::Scheduled | State::Claimed | State::Unknown | State::Failed => None,
    }
}

/// The event that a trigger answered with this message; a silence is none.
fn cause(message: &Notification) -> Option<&str> {
    if message.trigger.is_empty() {
        return None;
    }
    let key = message.dedupe_key.strip_prefix("trigger/")?;
    let event = key.strip_prefix(message.trigger.as_str())?.strip_prefix('/')?;
    Uuid::parse_str(event).ok().map(|_| event)
}
