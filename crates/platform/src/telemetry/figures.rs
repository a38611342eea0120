//! Figures that several parts of the process add to, or that stay as they are.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

/// Set once metrics go somewhere.
static MEASURED: AtomicBool = AtomicBool::new(false);

/// Metrics go somewhere from now on.
pub(super) fn measure() {
    MEASURED.store(true, Ordering::Relaxed);
}

/// Whether anybody will see what is measured; what costs something to measure asks first.
pub(crate) fn measured() -> bool {
    MEASURED.load(Ordering::Relaxed)
}

/// A call was turned away because of `reason`, one of a few words.
pub(crate) fn shed(reason: &'static str) {
    static SHEDS: OnceLock<Counter<u64>> = OnceLock::new();
    let sheds = SHEDS.get_or_init(|| {
        opentelemetry::global::meter("perennial")
            .u64_counter("perennial.server.sheds")
            .with_description("Calls turned away to protect the server")
            .build()
    });
    sheds.add(1, &[KeyValue::new("reason", reason)]);
}

/// A request id was seen before: its stored answer was given again.
pub(crate) fn replayed(method: &'static str) {
    static REPLAYS: OnceLock<Counter<u64>> = OnceLock::new();
    let replays = REPLAYS.get_or_init(|| {
        opentelemetry::global::meter("perennial")
            .u64_counter("perennial.request.replays")
            .with_description("Calls answered with the stored answer to their request id")
            .build()
    });
    replays.add(1, &[KeyValue::new("method", method)]);
}

/// Tells the limit beside the figure that it limits.
pub(crate) fn max_in_flight(limit: usize) {
    opentelemetry::global::meter("perennial")
        .u64_gauge("perennial.server.max_in_flight")
        .with_description("Calls that may be answered at the same time")
        .build()
        .record(limit as u64, &[]);
}
