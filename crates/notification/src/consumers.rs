//! What the other services tell, and what follows from it here. One file per log.

mod feedback;
mod identity;
mod loyalty;

pub use feedback::Feedback;
pub use identity::Identity;
pub use loyalty::Loyalty;

use chrono::{DateTime, Utc};
use perennial_platform::{Result, time};
use perennial_proto::events::v1::Event;

/// When an event happened; an event without a time happened now.
fn occurred(event: &Event, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    event.time.as_ref().map_or(Ok(now), |at| time::from_proto("event.time", at))
}
