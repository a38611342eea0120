//! Follows identity's log.

use crate::app::activities::{self, Activity};
use crate::app::rulebook::Rulebook;
use crate::domain::Time;
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Error, Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::{ActivityRecorded, UserErased, UserRegistered};
use std::sync::Arc;

/// The consumer.
pub(crate) struct Activities {
    pub(crate) rules: Arc<Rulebook>,
}

impl Consumer for Activities {
    const NAME: &'static str = "loyalty.activities";
    const SOURCE: Peer = Peer::Identity;
    const TYPES: &'static [&'static str] = &[
        "perennial.identity.v1.ActivityRecorded",
        "perennial.identity.v1.UserRegistered",
        "perennial.identity.v1.UserErased",
    ];

    async fn handle(&self, tx: &Tx, now: Time, event: &Event) -> Result<()> {
        match event.r#type.as_str() {
            "perennial.identity.v1.UserRegistered" => {
                activities::registered(tx, now, &decode::<UserRegistered>(event)?.user_id).await
            }
            "perennial.identity.v1.UserErased" => {
                let user = decode::<UserErased>(event)?.user_id;
                let programme = self.rules.locked(tx).await?;
                activities::erased(tx, &programme, now, &user).await
            }
            _ => self.activity(tx, now, decode(event)?).await,
        }
    }
}

impl Activities {
    async fn activity(&self, tx: &Tx, now: Time, recorded: ActivityRecorded) -> Result<()> {
        let programme = self.rules.locked(tx).await?;
        activities::take_in(tx, &programme, now, read(recorded)?).await
    }
}

/// An activity without an event id of its source is named by the suite's own id of it.
fn read(recorded: ActivityRecorded) -> Result<Activity> {
    let occurred_at = recorded.occur_time.as_ref();
    let occurred_at = occurred_at.ok_or_else(|| Error::internal("an activity without a time"))?;
    let occurred_at = time::from_proto("occur_time", occurred_at)?;
    let kind = recorded.kind();
    let named = !recorded.source.is_empty() && !recorded.source_event_id.is_empty();
    let (source, event) = if named {
        (recorded.source, recorded.source_event_id)
    } else {
        ("identity".to_owned(), recorded.activity_id)
    };
    let duration = recorded.duration.as_ref();
    let duration = duration.map(|d| time::duration_from_proto("duration", d)).transpose()?;
    Ok(Activity {
        kind,
        user: recorded.user_id,
        occurred_at,
        source,
        event,
        object: recorded.object,
        paid: recorded.amount.map(|paid| (paid.currency, paid.minor_units)),
        duration,
    })
}
