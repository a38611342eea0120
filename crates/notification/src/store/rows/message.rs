//! `notifications`: every message, from plan to end; also the queue (by `due_at`), the inbox (by
//! channel and `sent_at`) and the count of slots (by `slot_at`). One row, one truth.

use crate::domain::kinds::{Channel, Class, State};
use crate::domain::notification::Notification;
use perennial_platform::{Error, Result};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub channel: i16,
    pub dedupe_key: String,
    pub template: String,
    pub template_version: i32,
    pub topic: String,
    pub class: i16,
    pub trigger_name: String,
    /// JSON object of strings.
    pub variables: String,
    pub state: i16,
    pub reason: String,
    pub send_at: DateTimeUtc,
    pub due_at: Option<DateTimeUtc>,
    pub expire_at: Option<DateTimeUtc>,
    pub claim: Option<Uuid>,
    pub slot_at: Option<DateTimeUtc>,
    pub maybe_sent: bool,
    pub attempts: i32,
    pub last_error: String,
    pub holds: i32,
    pub held_for: String,
    /// JSON of `domain::decision::Decision`; empty before the first one.
    pub decision: String,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub sent_at: Option<DateTimeUtc>,
    pub read_at: Option<DateTimeUtc>,
    pub traceparent: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Columns that change after the message was planned.
pub const CHANGING: [Column; 16] = [
    Column::TemplateVersion,
    Column::State,
    Column::Reason,
    Column::DueAt,
    Column::ExpireAt,
    Column::Claim,
    Column::SlotAt,
    Column::MaybeSent,
    Column::Attempts,
    Column::LastError,
    Column::Holds,
    Column::HeldFor,
    Column::Decision,
    Column::UpdatedAt,
    Column::SentAt,
    Column::ReadAt,
];

impl Model {
    /// Reads a row. Errors: INTERNAL when it holds a number that no version of ours wrote.
    pub fn read(self) -> Result<Notification> {
        let unknown = |what: &str| Error::internal(format!("a notification of unknown {what}"));
        let decision = if self.decision.is_empty() {
            None
        } else {
            Some(serde_json::from_str(&self.decision).map_err(Error::internal)?)
        };
        Ok(Notification {
            id: self.id,
            user_id: self.user_id,
            channel: Channel::from_code(self.channel).ok_or_else(|| unknown("channel"))?,
            dedupe_key: self.dedupe_key,
            template: self.template,
            template_version: self.template_version,
            topic: self.topic,
            class: Class::from_code(self.class).ok_or_else(|| unknown("class"))?,
            trigger: self.trigger_name,
            variables: serde_json::from_str(&self.variables).map_err(Error::internal)?,
            state: State::from_code(self.state).ok_or_else(|| unknown("state"))?,
            reason: self.reason,
            send_at: self.send_at,
            due_at: self.due_at,
            expire_at: self.expire_at,
            claim: self.claim,
            slot_at: self.slot_at,
            maybe_sent: self.maybe_sent,
            attempts: self.attempts.unsigned_abs(),
            last_error: self.last_error,
            holds: self.holds.unsigned_abs(),
            held_for: self.held_for,
            decision,
            created_at: self.created_at,
            updated_at: self.updated_at,
            sent_at: self.sent_at,
            read_at: self.read_at,
            traceparent: self.traceparent,
        })
    }
}

/// The row of a message.
pub fn write(message: &Notification) -> Result<ActiveModel> {
    let decision = match &message.decision {
        Some(decision) => serde_json::to_string(decision).map_err(Error::internal)?,
        None => String::new(),
    };
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(ActiveModel {
        id: Set(message.id),
        user_id: Set(message.user_id.clone()),
        channel: Set(message.channel.code()),
        dedupe_key: Set(message.dedupe_key.clone()),
        template: Set(message.template.clone()),
        template_version: Set(message.template_version),
        topic: Set(message.topic.clone()),
        class: Set(message.class.code()),
        trigger_name: Set(message.trigger.clone()),
        variables: Set(serde_json::to_string(&message.variables).map_err(Error::internal)?),
        state: Set(message.state.code()),
        reason: Set(message.reason.clone()),
        send_at: Set(message.send_at),
        due_at: Set(message.due_at),
        expire_at: Set(message.expire_at),
        claim: Set(message.claim),
        slot_at: Set(message.slot_at),
        maybe_sent: Set(message.maybe_sent),
        attempts: Set(count(message.attempts)),
        last_error: Set(message.last_error.clone()),
        holds: Set(count(message.holds)),
        held_for: Set(message.held_for.clone()),
        decision: Set(decision),
        created_at: Set(message.created_at),
        updated_at: Set(message.updated_at),
        sent_at: Set(message.sent_at),
        read_at: Set(message.read_at),
        traceparent: Set(message.traceparent.clone()),
    })
}
