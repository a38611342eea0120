//! Coupons that are due by purchase cycle, places whose time ran out, incidents to carry out.

use crate::app::App;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// Issues coupons by purchase cycle.
pub(crate) struct IssueByCycle {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

/// Writes down which claims timed out.
pub(crate) struct LetClaimsGo {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

/// Grants what incidents give, and takes it back.
pub(crate) struct Compensate {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for IssueByCycle {
    const NAME: &'static str = "loyalty.issue_by_cycle";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.issue_by_cycle().await
    }
}

impl Job for LetClaimsGo {
    const NAME: &'static str = "loyalty.let_claims_go";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.let_claims_go().await
    }
}

impl Job for Compensate {
    const NAME: &'static str = "loyalty.compensate";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.app.carry_out_incidents().await
    }
}
