//! Keeps up with changes of the rules, and tells members of those that are worse.

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

/// Tells members of worse rules that were announced.
pub(crate) struct TellOfRules {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for TellOfRules {
    const NAME: &'static str = "loyalty.tell_of_rules";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.tell_of_rules().await
    }
}
