//! Keeps memberships, grades and stages true when time alone changes them: new users grow old,
//! silence grows, days fall out of windows.

use crate::app::Identity;
use perennial_platform::Result;
use perennial_platform::jobs::Job;
use std::time::Duration;

/// Evaluates users who are due.
#[derive(Debug)]
pub struct Evaluate {
    /// Over this.
    pub identity: Identity,
    /// How often to look.
    pub every: Duration,
}

impl Job for Evaluate {
    const NAME: &'static str = "identity.evaluate";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        self.identity.reevaluate().await
    }
}
