//! Looking at messages, taking them back, replaying dead ones.

use super::queue::told;
use super::{App, NotificationId, Ntf};
use crate::domain::kinds::State;
use crate::domain::notification::Notification;
use crate::store::messages::{self, Filter};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::append;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result, id};
use uuid::Uuid;

fn missing(id: NotificationId) -> Error {
    Error::not_found("NOTIFICATION_NOT_FOUND", format!("there is no notification {id}"))
}

impl App {
    /// One message. Errors: NOT_FOUND / NOTIFICATION_NOT_FOUND.
    pub async fn notification(&self, id: NotificationId) -> Result<Notification> {
        let found = messages::by_ids(self.db.read(), &[id.uuid()]).await?;
        found.into_iter().next().ok_or_else(|| missing(id))
    }

    /// Messages in the order of `ids`; those that are gone are left out.
    pub async fn notifications(&self, ids: &[String]) -> Result<Vec<Notification>> {
        let ids = ids
            .iter()
            .map(|text| Ok(id::parse::<Ntf>("notification_id", text)?.uuid()))
            .collect::<Result<Vec<Uuid>>>()?;
        let mut found = messages::by_ids(self.db.read(), &ids).await?;
        found.sort_by_key(|message| ids.iter().position(|id| *id == message.id));
        Ok(found)
    }

    /// A page of messages, newest first, and the token of the next one.
    pub async fn list(
        &self,
        filter: &Filter,
        page_size: i32,
        page_token: &str,
    ) -> Result<(Vec<Notification>, String)> {
        let arguments = format!("{filter:?}");
        let (limit, before) = self.pages.open::<Uuid>(page_size, page_token, &arguments)?;
        let mut found = messages::list(self.db.read(), filter, before, limit + 1).await?;
        let more = found.len() as u64 > limit;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| more).map(|last| self.pages.token(&arguments, &last.id));
        Ok((found, next.unwrap_or_default()))
    }

    /// Takes a message back. Errors: NOT_FOUND / NOTIFICATION_NOT_FOUND; FAILED_PRECONDITION /
    /// NOTIFICATION_NOT_PENDING.
    pub async fn cancel(&self, id: NotificationId, key: Option<Key>) -> Result<Reply<()>> {
        let now = self.clock.now();
        once(&self.db, &self.clock, key, async |tx| {
            let mut message = locked(tx, id).await?;
            if message.state == State::Cancelled {
                return Ok(());
            }
            if !message.cancel("CANCELLED", now) {
                let text = "the notification was handed over or ended already";
                return Err(Error::precondition("NOTIFICATION_NOT_PENDING", text));
            }
            changed(tx, &[message], now).await
        })
        .await
    }

    /// Puts a dead letter back in the queue. Errors: NOT_FOUND / NOTIFICATION_NOT_FOUND;
    /// FAILED_PRECONDITION / NOTIFICATION_NOT_DEAD; INVALID_ARGUMENT for an expiry in the past.
    pub async fn replay(
        &self,
        id: NotificationId,
        expire_at: Option<DateTime<Utc>>,
        key: Option<Key>,
    ) -> Result<Reply<()>> {
        let now = self.clock.now();
        let replayed = once(&self.db, &self.clock, key, async |tx| {
            // Judged here, so that a retry after that time still gets its stored answer.
            if expire_at.is_some_and(|at| at <= now) {
                return Err(Error::invalid("expire_time", "must lie ahead"));
            }
            let mut message = locked(tx, id).await?;
            if !message.replay(expire_at, now) {
                let text = "only dead letters can be replayed";
                return Err(Error::precondition("NOTIFICATION_NOT_DEAD", text));
            }
            changed(tx, &[message], now).await
        })
        .await?;
        self.wake_dispatch();
        Ok(replayed)
    }

    /// Takes back what certain triggers planned for a user and was not sent yet. The user must be
    /// locked.
    pub(super) async fn cancel_pending(
        &self,
        tx: &Tx,
        user_id: &str,
        triggers: &[&str],
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut pending = messages::lock_pending_of(tx, user_id, triggers).await?;
        for message in &mut pending {
            message.cancel(reason, now);
        }
        changed(tx, &pending, now).await
    }
}

async fn locked(tx: &Tx, id: NotificationId) -> Result<Notification> {
    messages::lock(tx, &[id.uuid()]).await?.into_iter().next().ok_or_else(|| missing(id))
}

async fn changed(tx: &Tx, messages: &[Notification], now: DateTime<Utc>) -> Result<()> {
    messages::save(tx, messages).await?;
    append(tx, messages.iter().filter_map(|message| told(message, now)));
    Ok(())
}
