//! What it all adds up to.

use super::App;
use crate::store::levels::{self, Levels};
use crate::store::reports::{self, Report};
use chrono::{DateTime, Utc};
use perennial_platform::error::{Error, Result};

/// How promises were kept, and when that was looked at.
#[derive(Debug)]
pub(crate) struct ServiceLevels {
    pub(crate) levels: Levels,
    pub(crate) now: DateTime<Utc>,
}

impl App {
    /// How the promises that started in a period were kept. Errors: INVALID_ARGUMENT.
    pub(crate) async fn service_levels(
        &self,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<ServiceLevels> {
        let now = self.core.clock.now();
        // Promises of this very instant count as well.
        let to = to.unwrap_or(now + chrono::TimeDelta::microseconds(1));
        if from.is_some_and(|from| from >= to) {
            return Err(Error::invalid("end_time", "must lie after start_time"));
        }
        let levels = levels::levels(self.core.db.read(), from, to, now).await?;
        Ok(ServiceLevels { levels, now })
    }

    /// The report on a week, or the latest. Errors: NOT_FOUND / REPORT_NOT_FOUND.
    pub(crate) async fn weekly_report(&self, week: &str) -> Result<Report> {
        let week = Some(week).filter(|week| !week.is_empty());
        let found = reports::find(self.core.db.read(), week).await?;
        found.ok_or_else(|| {
            Error::not_found("REPORT_NOT_FOUND", "there is no report on this week (yet)")
        })
    }
}
