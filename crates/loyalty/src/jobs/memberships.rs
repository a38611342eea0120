//! Records notices of renewals, asks for charges that fall due, and ends what is over.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// The job.
pub(crate) struct SettleMemberships {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for SettleMemberships {
    const NAME: &'static str = "loyalty.settle_memberships";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.settle_memberships().await
    }
}
