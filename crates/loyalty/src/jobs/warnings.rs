//! Follows notification's log: which warnings were handed over.

use crate::app::App;
use crate::app::warnings::{self, Heard};
use crate::domain::{Notice, Time};
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Error, Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::notification::v1::{
    NotificationDropped, NotificationFailed, NotificationSent,
};

/// The consumer.
pub(crate) struct Warnings {
    pub(crate) app: App,
}

impl Consumer for Warnings {
    const NAME: &'static str = "loyalty.warnings";
    const SOURCE: Peer = Peer::Notification;
    const TYPES: &'static [&'static str] = &[
        "perennial.notification.v1.NotificationSent",
        "perennial.notification.v1.NotificationDropped",
        "perennial.notification.v1.NotificationFailed",
    ];

    async fn handle(&self, tx: &Tx, now: Time, event: &Event) -> Result<()> {
        let (cause, notice) = match event.r#type.rsplit('.').next().unwrap_or_default() {
            "NotificationSent" => {
                (decode::<NotificationSent>(event)?.cause_event_id, Notice::HandedOver)
            }
            "NotificationFailed" => {
                (decode::<NotificationFailed>(event)?.cause_event_id, Notice::Failed)
            }
            _ => {
                let dropped: NotificationDropped = decode(event)?;
                (dropped.cause_event_id, warnings::dropped(&dropped.reason))
            }
        };
        // Most messages answer something else.
        let Ok(cause) = cause.parse() else { return Ok(()) };
        let at = event.time.as_ref().ok_or_else(|| Error::internal("an event without a time"))?;
        let heard = Heard { event: cause, notice, at: time::from_proto("time", at)? };
        warnings::take_in(tx, &self.app.programme(), now, heard).await
    }
}
