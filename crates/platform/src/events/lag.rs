//! How far a consumer is behind the log that it follows, as it saw it last.

use opentelemetry::KeyValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// Kept by the consumer, read whenever metrics are collected; costs no question to anybody.
#[derive(Debug)]
pub(super) struct Lag {
    behind: AtomicI64,
    started: Instant,
    /// Milliseconds after `started` at which the end of the log was reached last.
    at_head: AtomicI64,
}

impl Lag {
    /// Starts to tell how far `consumer` is behind.
    pub(super) fn new(consumer: &'static str) -> Arc<Self> {
        let lag = Arc::new(Self {
            behind: AtomicI64::new(0),
            started: Instant::now(),
            at_head: AtomicI64::new(0),
        });
        let meter = opentelemetry::global::meter("perennial");
        let label = [KeyValue::new("consumer", consumer)];
        let (seen, labels) = (Arc::downgrade(&lag), label.clone());
        meter
            .i64_observable_gauge("perennial.consumer.lag")
            .with_description("Positions between a consumer and the end of its log, as seen last")
            .with_callback(move |told| {
                if let Some(lag) = seen.upgrade() {
                    told.observe(lag.behind.load(Ordering::Relaxed), &labels);
                }
            })
            .build();
        let seen = Arc::downgrade(&lag);
        meter
            .f64_observable_gauge("perennial.consumer.delay")
            .with_description("Time since a consumer last stood at the end of its log")
            .with_unit("s")
            .with_callback(move |told| {
                if let Some(lag) = seen.upgrade() {
                    told.observe(lag.delay(), &label);
                }
            })
            .build();
        lag
    }

    /// There are so many positions between the consumer and the end of the log.
    pub(super) fn behind(&self, positions: i64) {
        self.behind.store(positions.max(0), Ordering::Relaxed);
    }

    /// Everything there was has taken effect.
    pub(super) fn caught_up(&self) {
        self.behind.store(0, Ordering::Relaxed);
        self.at_head.store(self.now(), Ordering::Relaxed);
    }

    /// Seconds since it had caught up.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since the process started")]
    fn delay(&self) -> f64 {
        (self.now() - self.at_head.load(Ordering::Relaxed)).max(0) as f64 / 1_000.0
    }

    fn now(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_until_the_end_is_reached() {
        let lag = Lag::new("test");
        lag.behind(7);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(lag.delay() >= 0.005);
        assert_eq!(lag.behind.load(Ordering::Relaxed), 7);
        let before = lag.delay();
        lag.caught_up();
        assert!(lag.delay() < before);
        assert_eq!(lag.behind.load(Ordering::Relaxed), 0);
    }
}
