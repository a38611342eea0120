//! Work that falls due by itself. The work is in `app`; here stands how often to look.

use crate::app::Core;
use perennial_platform::error::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// Tells near breaches and breaches.
pub(crate) struct Watch {
    pub(crate) core: Core,
    pub(crate) every: Duration,
}

impl Job for Watch {
    const NAME: &'static str = "feedback.watch";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.core.tell_due().await
    }
}

/// Closes tickets that have been solved for long enough.
pub(crate) struct Close(pub(crate) Core);

impl Job for Close {
    const NAME: &'static str = "feedback.close";

    fn every(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run_once(&self) -> Result<u64> {
        self.0.close_solved().await
    }
}

/// Makes the weekly reports.
pub(crate) struct Weekly(pub(crate) Core);

impl Job for Weekly {
    const NAME: &'static str = "feedback.weekly";

    fn every(&self) -> Duration {
        Duration::from_mins(5)
    }

    async fn run_once(&self) -> Result<u64> {
        self.0.report_weeks().await
    }
}
