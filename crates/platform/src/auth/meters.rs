//! What is counted about who gets in.

use std::sync::OnceLock;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

/// The instruments of the process.
pub(crate) struct Meters {
    refusals: Counter<u64>,
    refreshes: Counter<u64>,
    reloads: Counter<u64>,
    handshakes: Counter<u64>,
}

impl Meters {
    /// A call was refused; `cause` is one of a few, whatever callers send.
    pub(super) fn refused(&self, cause: &'static str) {
        self.refusals.add(1, &[KeyValue::new("cause", cause)]);
    }

    /// The issuer's keys were asked for.
    pub(super) fn refreshed(&self, good: bool) {
        self.refreshes.add(1, &[KeyValue::new("outcome", outcome(good))]);
    }

    /// A file had changed.
    pub(crate) fn reload(&self, good: bool) {
        self.reloads.add(1, &[KeyValue::new("outcome", outcome(good))]);
    }

    /// A TLS handshake failed.
    pub(crate) fn handshake_failed(&self) {
        self.handshakes.add(1, &[]);
    }
}

fn outcome(good: bool) -> &'static str {
    if good { "good" } else { "failed" }
}

/// Made on first use, which is after telemetry started.
pub(crate) fn meters() -> &'static Meters {
    static METERS: OnceLock<Meters> = OnceLock::new();
    METERS.get_or_init(|| {
        let meter = opentelemetry::global::meter("perennial");
        Meters {
            refusals: meter
                .u64_counter("perennial.auth.refusals")
                .with_description("Calls refused for who called or what they may")
                .build(),
            refreshes: meter
                .u64_counter("perennial.auth.key_refreshes")
                .with_description("Looks at the token issuer's public keys")
                .build(),
            reloads: meter
                .u64_counter("perennial.file.reloads")
                .with_description("Certificates, keys and tokens found changed on disk")
                .build(),
            handshakes: meter
                .u64_counter("perennial.tls.failed_handshakes")
                .with_description("Connections that did not get through the TLS handshake")
                .build(),
        }
    })
}
