//! What falls due for points: holds that time out, pending points that become active, lots that expire, holders to be told.

use super::{App, ledger};
use crate::domain::Lot;
use crate::store::{head, holds, lots, warnings};
use perennial_platform::events::{self, NewEvent};
use perennial_platform::{Result, time};
use perennial_proto::loyalty::v1::PointsExpiring;
use std::collections::BTreeSet;

/// Holds and lots looked at in one transaction.
const BATCH: u64 = 200;

impl App {
    /// Lets timed-out holds go, makes pending points active and writes down what expired, for some members; answers for how
    /// many, 0 when nothing is due.
    pub(crate) async fn settle_due(&self) -> Result<u64> {
        let (conn, now) = (self.db.read(), self.now());
        let mut users: BTreeSet<String> =
            holds::users_with_due(conn, now, BATCH).await?.into_iter().collect();
        users.extend(lots::users_with_ripe(conn, now, BATCH).await?);
        users.extend(lots::users_with_dead(conn, now, BATCH).await?);
        if users.is_empty() {
            return Ok(0);
        }
        let users: Vec<String> = users.into_iter().collect();
        let tx = self.db.begin().await?;
        ledger::settle(&tx, &self.programme(), now, &users).await?;
        tx.commit().await?;
        Ok(users.len() as u64)
    }

    /// Tells holders of some lots that they will expire, once for each lot; answers of how many,
    /// 0 when all were told.
    pub(crate) async fn warn_expiring(&self) -> Result<u64> {
        let now = self.now();
        let until = now + self.programme().warning;
        if lots::unwarned(self.db.read(), now, until, 1).await?.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        head::lock(&tx).await?;
        let lots = lots::unwarned(&tx, now, until, BATCH).await?;
        lots::mark_warned(&tx, &lots, now).await?;
        let told = lots.iter().map(|lot| NewEvent::of(now, &lot.user, &warning(lot)));
        let told: Vec<NewEvent> = told.collect();
        // Notification will say which event it answered when it has handed the message over.
        warnings::add(&tx, now, told.iter().map(NewEvent::id).zip(&lots)).await?;
        events::append(&tx, told);
        tx.commit().await?;
        Ok(lots.len() as u64)
    }

    /// Brings lots in line with the setting when the programme began, or ceased, to promise a
    /// warning while this service was not running.
    pub(crate) async fn apply_notice_setting(&self) -> Result<()> {
        let required = self.programme().expiry_notice.required;
        if head::read(self.db.read()).await?.notice_required == required {
            return Ok(());
        }
        let tx = self.db.begin().await?;
        head::lock(&tx).await?;
        lots::require_notice(&tx, required, self.now()).await?;
        head::save_notice(&tx, required).await?;
        tx.commit().await
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
