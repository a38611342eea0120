//! Looking: tickets judged at the time of the look, words opened with their customers' keys.

use super::words::Keys;
use super::{App, Core, Words, refusal};
use crate::domain::kinds::{ClockKind, PromiseState};
use crate::domain::ticket::Ticket;
use crate::ids::{FeedbackId, MessageId, TicketId};
use crate::store::tickets::{self, Record};
use crate::store::{clocks, customers, feedback, messages, search};
use chrono::{DateTime, Utc};
use perennial_platform::error::{Error, Result};
use perennial_platform::vault::Pii;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A ticket as it is shown.
#[derive(Debug)]
pub(crate) struct TicketView {
    pub(crate) record: Record,
    pub(crate) messages: Vec<MessageView>,
    /// The instant of the look.
    pub(crate) now: DateTime<Utc>,
}

/// A message as it is shown.
#[derive(Debug)]
pub(crate) struct MessageView {
    pub(crate) id: MessageId,
    pub(crate) author: i16,
    pub(crate) author_id: Option<String>,
    pub(crate) internal: bool,
    pub(crate) text: Option<Pii<String>>,
    pub(crate) created: DateTime<Utc>,
}

/// Feedback as it is shown.
#[derive(Debug)]
pub(crate) struct FeedbackView {
    pub(crate) record: feedback::Record,
    pub(crate) ticket: TicketId,
    /// None when they were erased.
    pub(crate) words: Option<Pii<Words>>,
}

/// Which page of a list.
#[derive(Debug)]
pub(crate) struct Page<'r> {
    pub(crate) size: i32,
    pub(crate) token: &'r str,
}

impl App {
    /// A ticket with its conversation. Errors: NOT_FOUND / TICKET_NOT_FOUND.
    pub(crate) async fn ticket(&self, id: TicketId) -> Result<TicketView> {
        let db = self.core.db.read();
        let record = tickets::find(db, id).await?.ok_or_else(|| refusal::no_ticket(id))?;
        let keys = self.core.keys_of([record.user_id.as_str()]).await?;
        let mut conversation = Vec::new();
        for message in messages::of(db, id).await? {
            conversation.push(MessageView {
                id: message.id,
                author: message.author,
                author_id: message.author_id,
                internal: message.internal,
                text: keys.body(&record.user_id, message.body.as_deref())?,
                created: message.created,
            });
        }
        Ok(TicketView { record, messages: conversation, now: self.core.clock.now() })
    }

    /// A page of tickets, newest first, without their conversations.
    pub(crate) async fn tickets(
        &self,
        mut filter: search::Filter,
        overdue: bool,
        page: Page<'_>,
    ) -> Result<(Vec<TicketView>, String)> {
        let arguments = format!("tickets {filter:?} {overdue}");
        let (limit, after) = self.pages.open::<Uuid>(page.size, page.token, &arguments)?;
        let now = self.core.clock.now();
        filter.overdue_at = overdue.then_some(now);
        let db = self.core.db.read();
        let mut ids = search::page(db, &filter, after.map(TicketId::from), limit + 1).await?;
        let next = self.next(&mut ids, limit, &arguments, |id| id.uuid());
        let mut records = tickets::load(db, &ids).await?;
        records.reverse();
        Ok((views(records, now), next))
    }

    /// What to take up next: paying customers first, then the smallest share of time left.
    pub(crate) async fn queue(
        &self,
        assignee: Option<&str>,
        limit: u64,
    ) -> Result<Vec<TicketView>> {
        let db = self.core.db.read();
        let now = self.core.clock.now();
        let ids = clocks::most_urgent(db, assignee, limit).await?;
        let mut ranked: Vec<_> = tickets::load(db, &ids)
            .await?
            .into_iter()
            .filter_map(|record| Some((urgency(&record.ticket, now)?, record)))
            .collect();
        ranked.sort_by(|(a, one), (b, other)| {
            a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then_with(|| one.id.cmp(&other.id))
        });
        let first = ranked.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(views(first.map(|(_, record)| record).collect(), now))
    }

    /// One piece of feedback. Errors: NOT_FOUND / FEEDBACK_NOT_FOUND.
    pub(crate) async fn feedback(&self, id: FeedbackId) -> Result<FeedbackView> {
        let found = feedback::find(self.core.db.read(), id).await?;
        let missing =
            || Error::not_found("FEEDBACK_NOT_FOUND", format!("there is no feedback {id}"));
        let mut views = self.core.show(vec![found.ok_or_else(missing)?]).await?;
        views.pop().ok_or_else(missing)
    }

    /// A page of feedback, newest first.
    pub(crate) async fn list_feedback(
        &self,
        filter: feedback::Filter,
        page: Page<'_>,
    ) -> Result<(Vec<FeedbackView>, String)> {
        let arguments = format!("feedback {filter:?}");
        let (limit, after) = self.pages.open::<Uuid>(page.size, page.token, &arguments)?;
        let db = self.core.db.read();
        let mut records =
            feedback::page(db, &filter, after.map(FeedbackId::from), limit + 1).await?;
        let next = self.next(&mut records, limit, &arguments, |record| record.id.uuid());
        Ok((self.core.show(records).await?, next))
    }

    /// Cuts a list that was read one row too long, and names where it goes on.
    fn next<T>(
        &self,
        rows: &mut Vec<T>,
        limit: u64,
        arguments: &str,
        id: impl Fn(&T) -> Uuid,
    ) -> String {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return String::new();
        }
        rows.truncate(limit);
        rows.last().map(|last| self.pages.token(arguments, &id(last))).unwrap_or_default()
    }
}

impl Core {
    async fn keys_of<'u>(&self, users: impl IntoIterator<Item = &'u str>) -> Result<Keys> {
        let users: BTreeSet<&str> = users.into_iter().collect();
        Keys::open(&self.vault, customers::keys(self.db.read(), &users).await?)
    }

    async fn show(&self, records: Vec<feedback::Record>) -> Result<Vec<FeedbackView>> {
        let keys = self.keys_of(records.iter().map(|record| record.user_id.as_str())).await?;
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        let tickets = search::of_feedback(self.db.read(), &ids).await?;
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            let ticket = tickets.get(&record.id).copied();
            let ticket = ticket.ok_or_else(|| Error::internal("feedback without a ticket"))?;
            let words = keys.words(&record.user_id, record.words.as_deref())?;
            views.push(FeedbackView { record, ticket, words });
        }
        Ok(views)
    }
}

fn views(records: Vec<Record>, now: DateTime<Utc>) -> Vec<TicketView> {
    let view = |record| TicketView { record, messages: Vec::new(), now };
    records.into_iter().map(view).collect()
}

/// Tier, and the greatest share of time used by a promise that runs; none when nothing runs.
fn urgency(ticket: &Ticket, now: DateTime<Utc>) -> Option<(i16, f64)> {
    let running = ticket.clocks.iter().filter(|clock| {
        clock.open()
            && clock.state(now) != PromiseState::Paused
            && clock.kind() != ClockKind::Report
    });
    let used = running.map(|clock| clock.share(now)).max_by(f64::total_cmp)?;
    Some((ticket.plan.tier(), used))
}
