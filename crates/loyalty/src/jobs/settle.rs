//! Lets timed-out holds go and writes down what expired.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

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
        self.app.settle_due().await
    }
}
