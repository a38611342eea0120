//! What falls due by itself: near breaches and breaches are told, solved tickets are closed.
//!
//! A look at the due index only names candidates. Each is then locked and judged anew in the
//! transaction of its events, so an answer that comes in between wins, and nothing is told twice
//! whatever the number of replicas.

use super::Core;
use crate::domain::action::{Action, decide};
use crate::domain::ticket::{Event, Ticket};
use crate::ids::TicketId;
use crate::store::tickets::{self, Record};
use crate::store::{clocks, search};
use chrono::{DateTime, Utc};
use perennial_platform::backlog::{Backlog, MOST};
use perennial_platform::error::Result;

/// Tickets in one transaction.
const BATCH: u64 = 200;

impl Core {
    /// Tickets of which something is due to be told.
    pub(crate) async fn backlog(&self) -> Result<Backlog> {
        let due = clocks::alarm_times(self.db.read(), self.clock.now(), MOST).await?;
        Ok(Backlog::of(&due))
    }

    /// Tells the near breaches and breaches that are due. Returns how many tickets were due.
    pub(crate) async fn tell_due(&self) -> Result<u64> {
        let now = self.clock.now();
        let due = clocks::alarmed(self.db.read(), now, BATCH).await?;
        self.each(now, &due, |record| {
            for event in told_now(&record.ticket, now) {
                record.ticket.apply(event);
            }
        })
        .await
    }

    /// Closes tickets that have been solved for long enough. Returns how many.
    pub(crate) async fn close_solved(&self) -> Result<u64> {
        let now = self.clock.now();
        let until = now - self.close_after;
        let solved = search::solved_until(self.db.read(), until, BATCH).await?;
        self.each(now, &solved, |record| {
            let waited = record.ticket.solved.is_some_and(|solved| solved <= until);
            if waited && let Ok(changes) = decide(&record.ticket, Action::Close) {
                Self::happen(record, now, changes);
            }
        })
        .await
    }

    /// Locks tickets, lets something happen to each, and saves it. Returns how many changed.
    pub(super) async fn each(
        &self,
        now: DateTime<Utc>,
        ids: &[TicketId],
        work: impl Fn(&mut Record) + Send,
    ) -> Result<u64> {
        if ids.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let mut records = tickets::lock(&tx, ids).await?;
        records.iter_mut().for_each(work);
        let changed = records.iter().filter(|record| !record.news().is_empty()).count();
        self.save(&tx, now, &mut records).await?;
        tx.commit().await?;
        Ok(changed as u64)
    }
}

fn told_now(ticket: &Ticket, now: DateTime<Utc>) -> Vec<Event> {
    let mut told = ticket.untold_breaches(now);
    told.extend(ticket.untold_warnings(now));
    told
}
