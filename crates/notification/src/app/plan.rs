//! Planning: the one way in which messages come into being, for direct calls and triggers alike.

use super::{App, NotificationId};
use crate::domain::kinds::{Channel, Class, State};
use crate::domain::notification::Notification;
use crate::domain::template::Template;
use crate::store::{messages, templates};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::commit::Batch;
use perennial_platform::db::Tx;
use perennial_platform::error::Violation;
use perennial_platform::events::{NewEvent, append};
use perennial_platform::{Error, Result, telemetry};
use perennial_proto::notification::v1::{NotificationScheduled, ScheduleResult};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Farthest a call can plan ahead.
const FARTHEST: TimeDelta = TimeDelta::days(366);

/// A wish to write to a user: one message per channel.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "documented in notification.proto")]
pub struct Plan {
    pub user_id: String,
    pub template: String,
    pub topic: String,
    pub channels: Vec<Channel>,
    pub class: Class,
    pub send_at: DateTime<Utc>,
    pub expire_at: Option<DateTime<Utc>>,
    pub variables: BTreeMap<String, String>,
    /// Empty = no deduplication.
    pub dedupe_key: String,
    /// Empty = a direct call.
    pub trigger: String,
}

/// Plans of concurrent callers, committed together.
pub struct Planning(pub App);

impl Batch for Planning {
    type Command = Plan;
    type Answer = ScheduleResult;

    async fn apply(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        commands: &[Plan],
    ) -> Result<Vec<Result<ScheduleResult>>> {
        self.0.plan(tx, now, commands).await
    }
}

/// Who already has which message: (user, channel, dedupe key) -> id.
type Taken = HashMap<(String, Channel, String), Uuid>;

impl App {
    /// Plans messages in a transaction: one answer per plan, in order. A dedupe key that stands
    /// there already, or earlier in this batch, is answered with the message that has it.
    ///
    /// Refusals: INVALID_ARGUMENT for channels, time and variables; NOT_FOUND /
    /// TEMPLATE_NOT_FOUND; FAILED_PRECONDITION / USER_ERASED. Errors: ABORTED when another replica
    /// plans the same dedupe key at the same moment; a second try finds what that one planned.
    pub async fn plan(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        plans: &[Plan],
    ) -> Result<Vec<Result<ScheduleResult>>> {
        let users: Vec<String> = distinct(plans.iter().map(|p| &p.user_id));
        let erased = self.hold(tx, &users).await?;
        let here: Vec<String> = users.into_iter().filter(|user| !erased.contains(user)).collect();
        let names = distinct(plans.iter().map(|p| &p.template));
        let templates = templates::newest(tx, &names).await?;
        let keys = distinct(plans.iter().map(|p| &p.dedupe_key).filter(|key| !key.is_empty()));
        let mut taken = messages::taken(tx, &here, &keys).await?;

        let mut new = Vec::new();
        let answers = plans
            .iter()
            .enumerate()
            .map(|(n, plan)| {
                if erased.contains(&plan.user_id) {
                    return Err(Error::precondition("USER_ERASED", "the user was erased"));
                }
                let variables = accepted(plan, templates.get(&plan.template), now)?;
                let place = || place(plan, &variables, &mut taken, &mut new, now);
                Ok(tx.on_behalf_of(n, place))
            })
            .collect();
        messages::insert(tx, &new).await?;
        append(tx, new.iter().map(|message| scheduled(message, now)));
        Ok(answers)
    }
}

fn distinct<'a>(items: impl Iterator<Item = &'a String>) -> Vec<String> {
    items.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// The variables of a plan, if they are exactly those that its template declares and nothing else
/// is wrong with it. A trigger offers whatever its event holds: what the template does not ask for
/// is left out.
fn accepted(
    plan: &Plan,
    template: Option<&Template>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, String>> {
    let mut wrong = faults(plan, now);
    let mut variables = plan.variables.clone();
    match template {
        Some(template) => {
            if !plan.trigger.is_empty() {
                variables.retain(|name, _| template.variables.contains_key(name));
            }
            wrong.extend(strange(template, &variables));
        }
        None if wrong.is_empty() => {
            let message = format!("there is no template {}", plan.template);
            let missing = Error::not_found("TEMPLATE_NOT_FOUND", message);
            return Err(missing.with("template", &plan.template));
        }
        None => {}
    }
    if wrong.is_empty() { Ok(variables) } else { Err(Error::violations(wrong)) }
}

/// What is wrong with a plan whatever its template.
fn faults(plan: &Plan, now: DateTime<Utc>) -> Vec<Violation> {
    let channels = plan.channels.iter().enumerate();
    let again = channels.filter(|(n, channel)| plan.channels[..*n].contains(channel));
    let mut wrong: Vec<Violation> =
        again.map(|(n, _)| violation(format!("channels[{n}]"), "is named before")).collect();
    // When a trigger fires is the operator's choice.
    if plan.trigger.is_empty() && plan.send_at > now + FARTHEST {
        wrong.push(violation("send_time".to_owned(), "must not lie more than 366 days ahead"));
    }
    wrong
}

/// Variables that are missing or not declared.
pub(super) fn strange(
    template: &Template,
    variables: &BTreeMap<String, String>,
) -> impl Iterator<Item = Violation> {
    let complaints = template.complaints(variables).into_iter();
    complaints.map(|(name, complaint)| violation(format!("variables[{name:?}]"), complaint))
}

fn violation(field: String, description: &str) -> Violation {
    Violation { field, description: description.to_owned() }
}

/// Adds the messages of a plan that are not there yet.
fn place(
    plan: &Plan,
    variables: &BTreeMap<String, String>,
    taken: &mut Taken,
    new: &mut Vec<Notification>,
    now: DateTime<Utc>,
) -> ScheduleResult {
    let mut result = ScheduleResult::default();
    for channel in &plan.channels {
        let key = (plan.user_id.clone(), *channel, plan.dedupe_key.clone());
        let known = taken.get(&key).copied().filter(|_| !plan.dedupe_key.is_empty());
        let id = known.unwrap_or_else(|| {
            let id = NotificationId::new(now).uuid();
            taken.insert(key, id);
            new.push(message(plan, *channel, variables, id, now));
            id
        });
        result.deduplicated |= known.is_some();
        result.notification_ids.push(NotificationId::from(id).to_string());
    }
    result
}

fn message(
    plan: &Plan,
    channel: Channel,
    variables: &BTreeMap<String, String>,
    id: Uuid,
    now: DateTime<Utc>,
) -> Notification {
    let own_key = || NotificationId::from(id).to_string();
    Notification {
        id,
        user_id: plan.user_id.clone(),
        channel,
        dedupe_key: if plan.dedupe_key.is_empty() { own_key() } else { plan.dedupe_key.clone() },
        template: plan.template.clone(),
        template_version: 0,
        topic: plan.topic.clone(),
        class: plan.class,
        trigger: plan.trigger.clone(),
        variables: variables.clone(),
        state: State::Scheduled,
        reason: String::new(),
        send_at: plan.send_at,
        due_at: Some(plan.send_at),
        expire_at: plan.expire_at,
        claim: None,
        slot_at: None,
        maybe_sent: false,
        attempts: 0,
        last_error: String::new(),
        holds: 0,
        held_for: String::new(),
        decision: None,
        created_at: now,
        updated_at: now,
        sent_at: None,
        read_at: None,
        traceparent: telemetry::traceparent(),
    }
}

fn scheduled(message: &Notification, now: DateTime<Utc>) -> NewEvent {
    let event = NotificationScheduled {
        user_id: message.user_id.clone(),
        notification_id: NotificationId::from(message.id).to_string(),
        template: message.template.clone(),
        trigger: message.trigger.clone(),
    };
    NewEvent::of(now, &message.user_id, &event).follow(&message.traceparent)
}
