//! Erasure: whatever is held about a user goes (product row ID-19).

use super::App;
use crate::domain::kinds::Channel;
use crate::store::{messages, people, preferences};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use uuid::Uuid;

impl App {
    /// Forgets a user: messages, choices, complaints, activity. What stays is a keyed hash of the
    /// id, so that late events about them change nothing. Answers the e-mails that may lie in
    /// the folder of the embedded channel: id and planned time.
    pub async fn erase(
        &self,
        tx: &Tx,
        user_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
        people::lock(tx, user_id).await?;
        let mails = messages::of_user_on(tx, user_id, Channel::Email).await?;
        messages::delete_of(tx, user_id).await?;
        preferences::delete_of(tx, user_id).await?;
        people::bury(tx, user_id, &self.tombstone(user_id), now).await?;
        Ok(mails)
    }

    /// The user registered anew under the same id: messages may be sent again.
    pub async fn welcome_back(&self, tx: &Tx, user_id: &str) -> Result<()> {
        people::unbury(tx, &self.tombstone(user_id)).await
    }
}
