//! Lets timed-out holds go and writes down what expired.

use crate::app::{App, ledger};
use crate::store::{holds, lots};
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::collections::BTreeSet;
use std::time::Duration;

/// Holds and lots looked at in one transaction.
const BATCH: u64 = 200;

/// The job.
pub(crate) struct Settle {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for Settle {
    const NAME: &'static str = "loyalty.settle";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        let (conn, now) = (self.app.db.read(), self.app.now());
        let mut users: BTreeSet<String> =
            holds::users_with_due(conn, now, BATCH).await?.into_iter().collect();
        users.extend(lots::users_with_dead(conn, now, BATCH).await?);
        if users.is_empty() {
            return Ok(0);
        }
        let users: Vec<String> = users.into_iter().collect();
        let tx = self.app.db.begin().await?;
        ledger::settle(&tx, &self.app.programme, now, &users).await?;
        tx.commit().await?;
        Ok(users.len() as u64)
    }
}
