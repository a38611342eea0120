//! What staff, programs and customers do to tickets.

use super::{App, Core, Submission, Words, refusal, words};
use crate::domain::action::{Action, decide};
use crate::domain::kinds::TicketState;
use crate::ids::TicketId;
use crate::store::tickets::{self, Record};
use crate::store::{customers, messages};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::error::{Error, Result};
use perennial_platform::id::{self, Id};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::vault::Pii;
use std::collections::BTreeSet;

/// Something that somebody does to a ticket.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) action: Action,
    /// Who, by the caller's own name for them; kept with the ticket's events.
    pub(crate) actor: Option<String>,
    pub(crate) message: Option<NewMessage>,
}

/// A message to add to a conversation.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    /// Code of the contract's AuthorKind.
    pub(crate) author: i16,
    pub(crate) internal: bool,
    pub(crate) text: Pii<String>,
}

/// What an action touched: stored as its answer, so ids only.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Touched {
    /// The ticket, or its follow-up.
    #[prost(string, tag = "1")]
    pub(crate) ticket_id: String,
    /// The message added; empty when none was.
    #[prost(string, tag = "2")]
    pub(crate) message_id: String,
}

impl App {
    /// Takes an action on a ticket, with a message or without.
    pub(crate) async fn act(
        &self,
        key: Option<Key>,
        id: TicketId,
        deed: Deed,
    ) -> Result<Reply<Touched>> {
        let Deed { action, actor, message } = deed;
        let core = self.core.clone();
        once(&self.core.db, &self.core.clock, key, async move |tx: &Tx| {
            let now = core.clock.now();
            let mut records = tickets::lock(tx, &[id]).await?;
            let record = records.first_mut().ok_or_else(|| refusal::no_ticket(id))?;
            if record.ticket.state == TicketState::Closed && action == Action::Reply {
                return core.follow_up(tx, now, record, message).await;
            }
            let changes = decide(&record.ticket, action).map_err(refusal::action)?;
            record.actor = actor;
            Core::happen(record, now, changes);
            let message_id = match message {
                Some(message) => core.add(tx, now, record, message).await?,
                None => String::new(),
            };
            core.save(tx, now, &mut records).await?;
            Ok(Touched { ticket_id: id.to_string(), message_id })
        })
        .await
    }

    /// The identifier in a stored answer.
    pub(crate) fn touched(touched: &Touched) -> Result<TicketId> {
        id::parse("ticket_id", &touched.ticket_id)
    }
}

impl Core {
    async fn add(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        record: &Record,
        message: NewMessage,
    ) -> Result<String> {
        let user = record.user_id.as_str();
        let keys = customers::keys(tx, &BTreeSet::from([user])).await?;
        let key = keys.get(user).ok_or_else(|| Error::internal("a customer without a key"))?;
        let body = words::seal_body(&self.vault.open(key)?, message.text.expose())?;
        let id = Id::new(now);
        let message = messages::Message {
            id,
            author: message.author,
            author_id: record.actor.clone(),
            internal: message.internal,
            body: Some(body),
            created: now,
        };
        messages::add(tx, record.id, user, message).await?;
        Ok(id.to_string())
    }

    /// A reply to a closed ticket: new feedback that continues it.
    async fn follow_up(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        closed: &Record,
        message: Option<NewMessage>,
    ) -> Result<Touched> {
        let text = message.map(|message| message.text.into_exposed()).unwrap_or_default();
        let submission = Submission {
            user_id: closed.user_id.clone(),
            channel: closed.channel,
            category: closed.category,
            tags: Vec::new(),
            rating: None,
            paying: closed.paying_override,
            words: Pii::new(Words { text, ..Words::default() }),
            interview: None,
            source: None,
            follow_up_of: Some(closed.id),
        };
        let answer = self.take_in(tx, now, &[submission]).await?.pop();
        let answer = answer.ok_or_else(|| Error::internal("a follow-up without an answer"))??;
        Ok(Touched { ticket_id: answer.ticket_id, message_id: String::new() })
    }
}
