//! Why a message was sent, held or dropped.

use super::{App, NotificationId};
use crate::domain::decision::{Decision, decide};
use crate::domain::notification::Notification;
use chrono::{DateTime, Utc};
use perennial_platform::Result;

/// A message and the decision about it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The message.
    pub message: Notification,
    /// What the gates said or would say.
    pub decision: Decision,
    /// It was taken; otherwise it is what would be decided.
    pub recorded: bool,
}

impl App {
    /// The recorded decision about a message; when there is none yet, or for another time `at`,
    /// what the same gates would say then, by what is known now.
    ///
    /// Errors: NOT_FOUND / NOTIFICATION_NOT_FOUND; UNAVAILABLE while identity is away and has to
    /// be asked.
    pub async fn explain(
        &self,
        id: NotificationId,
        at: Option<DateTime<Utc>>,
    ) -> Result<Explained> {
        let message = self.notification(id).await?;
        if let (None, Some(decision)) = (at, &message.decision) {
            let decision = decision.clone();
            return Ok(Explained { message, decision, recorded: true });
        }
        let at = at.unwrap_or_else(|| message.send_at.max(self.clock.now()));
        let users = [message.user_id.clone()];
        let profiles = self.profiles.of(&users).await?;
        let facts = self.facts(self.db.read(), &users, at).await?;
        let circumstances = self.circumstances(&facts, &message, profiles.get(&message.user_id));
        let decision = decide(&message, &circumstances, &self.rules.policy, at);
        Ok(Explained { message, decision, recorded: false })
    }
}
