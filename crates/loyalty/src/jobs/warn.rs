//! Tells holders that points will expire, once for each lot.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// The job.
pub(crate) struct WarnExpiring {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for WarnExpiring {
    const NAME: &'static str = "loyalty.warn_expiring";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.warn_expiring().await
    }
}
