//! What it all adds up to.

use super::App;
use crate::domain::week::Week;
use crate::store::levels::{self, Levels};
use crate::store::reports::{self, Report};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
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

    /// The report on a week, or the latest. Errors: INVALID_ARGUMENT for a week that no calendar
    /// has; NOT_FOUND / REPORT_NOT_FOUND.
    pub(crate) async fn weekly_report(&self, week: &str) -> Result<Report> {
        let week = Some(week).filter(|week| !week.is_empty());
        // A name means the same week in every zone.
        if week.is_some_and(|week| Week::named(week, Tz::UTC).is_none()) {
            return Err(Error::invalid("week", "must be an ISO week such as 2026-W47"));
        }
        let found = reports::find(self.core.db.read(), week).await?;
        found.ok_or_else(|| {
            let none = match week {
                Some(week) => format!("{week} has not been reported"),
                None => "no week has been reported yet".to_owned(),
            };
            Error::not_found("REPORT_NOT_FOUND", none)
        })
    }
}
