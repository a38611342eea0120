//! The automatic report of every week (product row FB-1: behaviour data).

use super::Core;
use crate::domain::action::report;
use crate::domain::calendar_spec::zone;
use crate::domain::week::Week;
use crate::store::clocks;
use crate::store::reports::{self, Report};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::error::{Error, Result};

/// Tickets told of in one transaction.
const BATCH: u64 = 200;
/// How long after its end a week is left alone. Feedback bears the time at which its transaction
/// began, and can be seen when that has ended: what came in at the last instant of the week is
/// seen a little after it, by clocks of other replicas that differ a little.
const SETTLES: TimeDelta = TimeDelta::minutes(5);

impl Core {
    /// Makes the oldest report that is missing, or tells a batch of tickets that they were
    /// reported. Returns what was done; 0 when every week that is over and settled is reported.
    pub(crate) async fn report_weeks(&self) -> Result<u64> {
        let now = self.clock.now();
        if let Some(week) = self.unreported_week(now).await? {
            self.make_report(week, now).await?;
            return Ok(1);
        }
        let Some(latest) = reports::find(self.db.read(), None).await? else { return Ok(0) };
        let reported = clocks::unreported(self.db.read(), latest.end, BATCH).await?;
        self.each(now, &reported, |record| {
            let changes = report(&record.ticket);
            Self::happen(record, now, changes);
        })
        .await
    }

    /// The week after the latest report, or of the first feedback, if it is over and settled.
    async fn unreported_week(&self, now: DateTime<Utc>) -> Result<Option<Week>> {
        let zone = zone(&self.policy.report_zone)
            .map_err(|bad| Error::internal(format!("report_zone: {bad}")))?;
        let next = match reports::find(self.db.read(), None).await? {
            // By name: the zone may have been changed since.
            Some(latest) => Week::named(&latest.week, zone).map(Week::next),
            None => reports::first_feedback(self.db.read()).await?.map(|t| Week::of(t, zone)),
        };
        Ok(next.filter(|week| week.end() + SETTLES <= now))
    }

    async fn make_report(&self, week: Week, now: DateTime<Utc>) -> Result<()> {
        let tx = self.db.begin().await?;
        let (start, end) = (week.start(), week.end());
        let counts = reports::count(&tx, start, end).await?;
        let report = Report { week: week.name(), start, end, created: now, counts };
        reports::keep(&tx, &report).await?;
        tx.commit().await
    }
}
