//! What identity tells about customers.

use super::Core;
use crate::domain::ticket::Change;
use crate::store::{customers, feedback, messages, search, tickets};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::error::Result;
use std::collections::BTreeSet;
use std::sync::Arc;

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
        let open = search::unclosed_of(tx, user).await?;
        let mut records = tickets::lock(tx, &open).await?;
        for record in &mut records {
            let plan = self.policy.plan(record.channel, record.category, true);
            // What the sender said about paying stays.
            if record.paying_override.is_none() && *record.ticket.plan != plan {
                Self::happen(record, now, vec![Change::PlanApplied(Arc::new(plan))]);
            }
        }
        self.save(tx, now, &mut records).await
    }

    /// A customer was erased: the key of their words is destroyed, the words are dropped, and
    /// their open tickets end, because nobody is left to keep a promise to. What still arrives
    /// from them is refused until they register again.
    pub(crate) async fn erased(&self, tx: &Tx, now: DateTime<Utc>, user: &str) -> Result<()> {
        customers::lock(tx, &BTreeSet::from([user])).await?;
        customers::erase(tx, user, now).await?;
        feedback::erase(tx, user).await?;
        messages::erase(tx, user).await?;
        let open = search::unclosed_of(tx, user).await?;
        let mut records = tickets::lock(tx, &open).await?;
        for record in &mut records {
            Self::happen(record, now, vec![Change::Withdrawn]);
        }
        self.save(tx, now, &mut records).await
    }

    /// A customer registered. One who was erased before starts from nothing.
    pub(crate) async fn registered(&self, tx: &Tx, user: &str) -> Result<()> {
        customers::welcome_back(tx, user).await
    }
}
