//! Tiers and expiring points (product rows LY-1, LY-2, AC-1).

use super::occurred;
use crate::app::{App, Happening};
use crate::domain::trigger::Occasion;
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::loyalty::v1::{PointsExpiring, Tier, TierChanged};

/// Follows loyalty's log.
pub struct Loyalty {
    /// Use cases.
    pub app: App,
}

impl Consumer for Loyalty {
    const NAME: &'static str = "notification.loyalty";
    const SOURCE: Peer = Peer::Loyalty;
    const TYPES: &'static [&'static str] =
        &["perennial.loyalty.v1.PointsExpiring", "perennial.loyalty.v1.TierChanged"];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        match event.r#type.as_str() {
            "perennial.loyalty.v1.TierChanged" => self.tier(tx, now, event).await,
            "perennial.loyalty.v1.PointsExpiring" => self.expiring(tx, now, event).await,
            _ => Ok(()),
        }
    }
}

impl Loyalty {
    /// A rise is congratulated; a fall is not rubbed in.
    async fn tier(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let changed: TierChanged = decode(event)?;
        // The first tier of a new member is where everybody starts.
        let rose = changed.to > changed.from && changed.to() != Tier::Ordinary;
        if !rose {
            return Ok(());
        }
        let tier = changed.to().as_str_name();
        let happening = Happening {
            occasion: Occasion::TierUp,
            user_id: &changed.user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: vec![("tier", tier.strip_prefix("TIER_").unwrap_or(tier).to_lowercase())],
        };
        self.app.fire(tx, &happening, now).await
    }

    async fn expiring(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let expiring: PointsExpiring = decode(event)?;
        let at = match &expiring.expire_time {
            Some(at) => time::from_proto("expire_time", at)?,
            None => return Ok(()),
        };
        let day = at.with_timezone(&self.app.rules.zone).format("%Y-%m-%d").to_string();
        let happening = Happening {
            occasion: Occasion::PointsExpiring,
            user_id: &expiring.user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: vec![("points", expiring.points.to_string()), ("expire_date", day)],
        };
        self.app.fire(tx, &happening, now).await
    }
}
