//! What this service learns from identity's log: who pays, who was erased, who came back.

use crate::app::Core;
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::error::Result;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::time;
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserErased, UserRegistered};

/// Follows identity.
pub(crate) struct Customers(pub(crate) Core);

const ACTIVITY: &str = "perennial.identity.v1.ActivityRecorded";
const ERASED: &str = "perennial.identity.v1.UserErased";
const REGISTERED: &str = "perennial.identity.v1.UserRegistered";

impl Consumer for Customers {
    const NAME: &'static str = "feedback.customers";
    const SOURCE: Peer = Peer::Identity;
    const TYPES: &'static [&'static str] = &[ACTIVITY, ERASED, REGISTERED];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        match event.r#type.as_str() {
            ACTIVITY => self.activity(tx, now, event).await,
            ERASED => {
                let erased: UserErased = decode(event)?;
                self.0.erased(tx, now, &erased.user_id).await
            }
            REGISTERED => {
                let registered: UserRegistered = decode(event)?;
                self.0.registered(tx, &registered.user_id).await
            }
            _ => Ok(()),
        }
    }
}

impl Customers {
    async fn activity(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let activity: ActivityRecorded = decode(event)?;
        if activity.kind() != ActivityKind::Purchase {
            return Ok(());
        }
        let at = match &activity.occur_time {
            Some(at) => time::from_proto("occur_time", at)?,
            None => now,
        };
        self.0.paid(tx, now, &activity.user_id, at).await
    }
}
