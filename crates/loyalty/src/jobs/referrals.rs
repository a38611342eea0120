//! Writes down which referrals have come to count, and gives what they earn.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// The job.
pub(crate) struct PromoteReferrals {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for PromoteReferrals {
    const NAME: &'static str = "loyalty.promote_referrals";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.promote_referrals().await
    }
}
