//! The time zones of members.

use super::challenges::writer;
use super::{calendar, store};
use crate::app::App;
use crate::domain::{Refusal, Time};
use crate::store::accounts;
use chrono::NaiveDate;
use chrono_tz::Tz;
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result, time};
use perennial_proto::loyalty::v1 as proto;

/// The zones of a member.
pub(crate) struct Zones {
    pub(crate) now: Tz,
    pub(crate) today: NaiveDate,
    pub(crate) all: Vec<(Time, Tz)>,
}

impl App {
    /// Pins a zone from the member's next day on, or from the very beginning when nothing was
    /// counted by another one. Errors: INVALID_ARGUMENT for a zone that is not known; see
    /// ProgressService.SetTimeZone.
    pub(crate) async fn set_time_zone(
        &self,
        key: Option<Key>,
        user: &str,
        zone: &str,
    ) -> Result<Reply<proto::SetTimeZoneResponse>> {
        let zone: Tz = zone.parse().map_err(|_| Error::invalid("time_zone", "is not known"))?;
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            let first = store::zones(tx, user).await?.is_empty();
            writer(tx, &programme, user).await?;
            // Another one that was to hold from tomorrow is given up.
            store::unpin(tx, user, now).await?;
            let days = calendar(tx, &programme, user).await?;
            let from = if first {
                store::pin(tx, user, Time::UNIX_EPOCH, zone).await?;
                now
            } else if days.zone(now) == zone {
                now
            } else {
                let from = days.next_day(now);
                store::pin(tx, user, from, zone).await?;
                from
            };
            let effective_time = Some(time::to_proto(from));
            Ok(proto::SetTimeZoneResponse { effective_time, replayed: false })
        })
        .await
    }

    /// The zones of a member. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn time_zones(&self, user: &str) -> Result<Zones> {
        let conn = self.db.read();
        if accounts::find(conn, user).await?.is_none() {
            return Err(Refusal::MemberNotFound.into());
        }
        let (programme, now) = (self.programme(), self.now());
        let days = calendar(conn, &programme, user).await?;
        let all = store::zones(conn, user).await?;
        Ok(Zones { now: days.zone(now), today: days.day(now), all })
    }
}
