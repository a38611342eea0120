//! The limit on calls in flight: one for the whole process, whoever connects how often.
//!
//! Deadlines alone do not save an overloaded server: in a queue every call it gets to has spent
//! its deadline already. Turning calls away at once keeps most of the throughput.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::host::jitter;
use crate::telemetry;

/// When a caller that was turned away should come back, on average.
const COME_BACK: Duration = Duration::from_millis(200);

/// Lets so many calls in and turns the rest away. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

/// One call that is in; dropping it lets the next in.
pub(super) type Pass = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        telemetry::max_in_flight(limit);
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// Never waits. Errors: RESOURCE_EXHAUSTED / OVERLOADED with the time to wait, spread so
    /// that those turned away together do not return together.
    pub(super) fn enter(&self) -> Result<Pass> {
        self.0.clone().try_acquire_owned().map_err(|_| {
            telemetry::shed("in_flight");
            Error::exhausted("OVERLOADED", "too many calls at once; try again a little later")
                .retry_after(jitter(COME_BACK, 0.5))
        })
    }
}
