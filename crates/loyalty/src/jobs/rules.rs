//! Keeps up with changes of the rules that other replicas made.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// The job; every replica runs it for itself.
pub(crate) struct FollowRules {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for FollowRules {
    const NAME: &'static str = "loyalty.follow_rules";
    const SHARED: bool = true;

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.rules_now().await?;
        Ok(0)
    }
}
