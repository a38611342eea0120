//! What became of messages, as metrics.

use super::App;
use crate::domain::kinds::State;
use crate::domain::notification::Notification;
use crate::store::messages;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use perennial_platform::Result;
use perennial_platform::backlog::{Backlog, MOST};
use std::sync::OnceLock;

/// Counts the steps that messages took, after they were committed.
pub(super) fn count<'a>(messages: impl IntoIterator<Item = &'a Notification>) {
    static STEPS: OnceLock<Counter<u64>> = OnceLock::new();
    let steps = STEPS.get_or_init(|| {
        opentelemetry::global::meter("perennial")
            .u64_counter("perennial.notification.outcomes")
            .with_description("Steps of messages, by channel and by what the step led to")
            .build()
    });
    for message in messages {
        let Some(outcome) = outcome(message.state) else { continue };
        let channel = KeyValue::new("channel", message.channel.name());
        steps.add(1, &[channel, KeyValue::new("outcome", outcome)]);
    }
}

/// Name of what a step led to; claiming a message leads to nothing yet.
fn outcome(state: State) -> Option<&'static str> {
    Some(match state {
        State::Sent => "sent",
        State::Held => "held",
        State::Failed => "failed",
        State::Unknown => "unknown",
        State::Dead => "dead",
        State::Dropped => "dropped",
        State::Cancelled => "cancelled",
        State::Scheduled | State::Claimed => return None,
    })
}

impl App {
    /// The messages that are due and were not looked at yet.
    pub(crate) async fn backlog(&self) -> Result<Backlog> {
        let due = messages::due_times(self.db.read(), self.clock.now(), MOST).await?;
        Ok(Backlog::of(&due))
    }
}
