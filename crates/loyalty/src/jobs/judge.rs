//! Judges members whose guarantee has ended, or whose purchases leave the window.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// The job.
pub(crate) struct JudgeTiers {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for JudgeTiers {
    const NAME: &'static str = "loyalty.judge_tiers";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.judge_due().await
    }
}
