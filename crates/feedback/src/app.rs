//! The use cases: each opens its transaction, asks the rules, writes, and tells what happened.

mod actions;
mod customers;
mod insight;
mod intake;
mod outbox;
mod promises;
mod read;
mod refusal;
mod watch;
mod weekly;
mod words;

pub(crate) use actions::{Deed, NewMessage};
pub(crate) use insight::ServiceLevels;
pub(crate) use intake::{Intake, Interview, Submission};
pub(crate) use promises::promises;
pub(crate) use read::{FeedbackView, MessageView, Page, TicketView};
pub(crate) use words::Words;

use crate::config::Config;
use crate::domain::interview::Booking;
use crate::domain::policy::Policy;
use crate::domain::ticket::{Change, Event};
use crate::store::tickets::{self, Record};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::clock::Clock;
use perennial_platform::commit::Committer;
use perennial_platform::db::{Db, Tx};
use perennial_platform::error::Result;
use perennial_platform::page::Pages;
use perennial_platform::vault::Vault;
use std::sync::Arc;

/// What every use case stands on. Jobs and consumers need no more; clones share it.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) vault: Vault,
    policy: Arc<Policy>,
    booking: Booking,
    team: Option<String>,
    close_after: TimeDelta,
}

/// The use cases that callers ask for.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) core: Core,
    pub(crate) pages: Pages,
    pub(crate) intake: Committer<Intake>,
}

impl Core {
    pub(crate) fn new(db: Db, clock: Clock, vault: Vault, config: &Config) -> Self {
        Self {
            db,
            clock,
            vault,
            policy: Arc::new(config.policy()),
            booking: config.booking(),
            team: Some(config.team.clone()).filter(|team| !team.is_empty()),
            close_after: TimeDelta::days(config.close_after_days.into()),
        }
    }

    /// Lets changes happen to a ticket. A breach that came before is told first: a late answer
    /// ends a broken promise, it does not unbreak it.
    fn happen(record: &mut Record, now: DateTime<Utc>, changes: Vec<Change>) {
        let ticket = &mut record.ticket;
        // Replicas' clocks differ a little; a ticket's own time never runs backwards.
        let at = ticket.events.iter().map(|event| event.at).fold(now, DateTime::max);
        for told in ticket.untold_breaches(at) {
            ticket.apply(told);
        }
        for change in changes {
            ticket.apply(Event { at, change });
        }
        // Tighter promises may have been broken already.
        for told in ticket.untold_breaches(at) {
            ticket.apply(told);
        }
    }

    /// Writes what happened to tickets and tells it to the outside, in one transaction.
    async fn save(&self, tx: &Tx, now: DateTime<Utc>, records: &mut [Record]) -> Result<()> {
        for record in records.iter() {
            outbox::tell(tx, now, record);
        }
        tickets::save(tx, now, records).await
    }
}
