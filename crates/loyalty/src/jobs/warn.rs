//! Tells holders that points will expire, once for each lot.

use crate::app::App;
use crate::domain::Lot;
use crate::store::{head, lots};
use perennial_platform::events::{self, NewEvent};
use perennial_platform::jobs::Job;
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::PointsExpiring;
use std::time::Duration;

/// Lots told of in one transaction.
const BATCH: u64 = 500;

/// The job.
pub(crate) struct WarnExpiring {
    pub(crate) app: App,
    pub(crate) every: Duration,
}

impl Job for WarnExpiring {
    const NAME: &'static str = "loyalty.warn_expiring";

    fn every(&self) -> Duration {
        self.every
    }

    async fn run_once(&self) -> Result<u64> {
        let now = self.app.now();
        let until = now + self.app.programme.warning;
        if lots::unwarned(self.app.db.read(), now, until, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.app.db.begin().await?;
        // Lots change only under the head's lock.
        head::lock(&tx).await?;
        let lots = lots::unwarned(&tx, now, until, BATCH).await?;
        lots::mark_warned(&tx, &lots, now).await?;
        events::append(
            &tx,
            lots.iter().map(|lot| {
                let payload = warning(lot);
                NewEvent::of(now, &lot.user, &payload)
            }),
        );
        tx.commit().await?;
        Ok(lots.len() as u64)
    }
}

fn warning(lot: &Lot) -> PointsExpiring {
    PointsExpiring {
        user_id: lot.user.clone(),
        points: lot.remaining,
        expire_time: lot.expires_at.map(time::to_proto),
        lot_id: lot.id.to_string(),
    }
}
