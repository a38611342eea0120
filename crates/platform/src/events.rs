//! The event log: what happened, appended in the transaction of the change, pulled by whoever
//! wants to know.
//!
//! Exactly once in effect, without a broker: a consumer keeps its position in its own database and
//! moves it in the transaction of its effects. The log is in commit order (see [`crate::db::Tx`]),
//! so a position is all there is to remember.

mod consume;
mod lag;
mod parked;
mod read;
mod service;

pub use consume::worker;
pub use service::LogService;

use crate::db::{Tx, events};
use crate::error::{Error, Result};
use crate::telemetry;
use chrono::{DateTime, Utc};
use perennial_proto::events::v1::Event;
use prost::{Message, Name};
use sea_orm::ActiveValue::{NotSet, Set};
use std::future::Future;
use uuid::Uuid;

/// The services of the suite, as somebody to call or whose log to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the services")]
pub enum Peer {
    Identity,
    Feedback,
    Loyalty,
    Notification,
}

impl Peer {
    /// Name in addresses, topics and tables: "identity".
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Feedback => "feedback",
            Self::Loyalty => "loyalty",
            Self::Notification => "notification",
        }
    }
}

/// Something that happened, ready to be appended.
#[derive(Debug, Clone)]
pub struct NewEvent {
    id: Uuid,
    time: DateTime<Utc>,
    subject: String,
    kind: String,
    data: Vec<u8>,
    traceparent: String,
}

impl NewEvent {
    /// An event about a user (`subject` may be empty) that happened `now`.
    pub fn of<M: Message + Name>(now: DateTime<Utc>, subject: &str, payload: &M) -> Self {
        Self {
            // Random, not time-ordered: simulated time would make version 7 collide with itself.
            id: Uuid::new_v4(),
            time: now,
            subject: subject.to_owned(),
            kind: M::full_name(),
            data: payload.encode_to_vec(),
            traceparent: telemetry::traceparent(),
        }
    }

    /// The same event as a part of another trace: that of a stored [`telemetry::traceparent`].
    /// Without one it stays where it is.
    #[must_use]
    pub fn follow(mut self, traceparent: &str) -> Self {
        if !traceparent.is_empty() {
            traceparent.clone_into(&mut self.traceparent);
        }
        self
    }

    /// What it will be called in the log (`Event.id`).
    pub fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn into_row(self) -> events::ActiveModel {
        events::ActiveModel {
            position: NotSet,
            id: Set(self.id),
            kind: Set(self.kind),
            subject: Set(self.subject),
            time: Set(self.time),
            data: Set(self.data),
            traceparent: Set(self.traceparent),
        }
    }
}

/// Adds events to the service's log when the transaction commits.
pub fn append(tx: &Tx, new: impl IntoIterator<Item = NewEvent>) {
    tx.append(new);
}

/// The payload of an event. Errors: INTERNAL when it is of another type.
pub fn decode<M: Message + Name + Default>(event: &Event) -> Result<M> {
    if event.r#type != M::full_name() {
        return Err(Error::internal(format!("{} is not {}", event.r#type, M::full_name())));
    }
    let data = event.data.as_ref().ok_or_else(|| Error::internal("an event without data"))?;
    M::decode(data.value.as_slice()).map_err(Error::internal)
}

/// Takes in what another service tells.
pub trait Consumer: Send + Sync + 'static {
    /// Name under which the position is kept: "loyalty.activities". Never changed.
    const NAME: &'static str;
    /// Whose log.
    const SOURCE: Peer;
    /// Full names of the payloads it wants: "perennial.identity.v1.ActivityRecorded".
    const TYPES: &'static [&'static str];

    /// Handles one event in the transaction that also moves the position. No calls to other
    /// services here. An error undoes the effects; unavailable and aborted are tried again until
    /// they pass, all else a few times, then the event is parked and the log goes on.
    fn handle(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        event: &Event,
    ) -> impl Future<Output = Result<()>> + Send;
}
