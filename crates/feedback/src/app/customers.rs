//! What identity tells about customers.

use super::Core;
use crate::domain::kinds::TicketState;
use crate::domain::ticket::Change;
use crate::store::tickets::{self, Record};
use crate::store::{customers, feedback, messages, search};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::error::Result;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tickets of one customer that are held in memory at once.
const PAGE: u64 = 500;

impl Core {
    /// A customer has paid: from the first time on they are a paying one, and the promises of
    /// their open tickets become those of a paying customer, from the same start. A refund does
    /// not take it back.
    pub(crate) async fn paid(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        user: &str,
        at: DateTime<Utc>,
    ) -> Result<()> {
        // Most purchases are not the first.
        if customers::is_paying(tx, user).await? {
            return Ok(());
        }
        let locked = customers::lock(tx, &BTreeSet::from([user])).await?;
        if locked.get(user).is_some_and(|customer| customer.paying) {
            return Ok(());
        }
        customers::set_paying(tx, user, at).await?;
        self.each_unclosed(tx, now, user, |record| {
            let plan = self.policy.plan(record.channel, record.category, true);
            // What the sender said about paying stays.
            if record.paying_override.is_none() && *record.ticket.plan != plan {
                Self::happen(record, now, vec![Change::PlanApplied(Arc::new(plan))]);
            }
        })
        .await
    }

    /// A customer was erased: the key of their words is destroyed, the words are dropped, and
    /// their open tickets end, because nobody is left to keep a promise to. What still arrives
    /// from them is refused until they register again.
    pub(crate) async fn erased(&self, tx: &Tx, now: DateTime<Utc>, user: &str) -> Result<()> {
        customers::lock(tx, &BTreeSet::from([user])).await?;
        customers::erase(tx, user, now).await?;
        self.each_unclosed(tx, now, user, |record| {
            Self::happen(record, now, vec![Change::Withdrawn]);
        })
        .await?;
        // Last: a message that was being written when its ticket was locked is there by now.
        feedback::erase(tx, user).await?;
        messages::erase(tx, user).await
    }

    /// A customer registered. One who was erased before starts from nothing.
    pub(crate) async fn registered(&self, tx: &Tx, user: &str) -> Result<()> {
        customers::welcome_back(tx, user).await
    }

    /// Lets something happen to every ticket of a customer that is not closed, however many these
    /// are: a back end may file all it hears under one name.
    async fn each_unclosed(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        user: &str,
        work: impl Fn(&mut Record) + Send + Sync,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let page = search::unclosed_of(tx, user, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            let mut records = tickets::lock(tx, &page).await?;
            let unclosed = |record: &&mut Record| record.ticket.state != TicketState::Closed;
            records.iter_mut().filter(unclosed).for_each(&work);
            self.save(tx, now, &mut records).await?;
        }
    }
}
