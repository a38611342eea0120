//! What is told about every call: a span, two metrics and one log line.
//!
//! Names follow the OpenTelemetry semantic conventions for RPC (1.45, stable).

use std::sync::OnceLock;
use std::time::Instant;

use http::{HeaderMap, Request};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, UpDownCounter};
use tonic::{Code, Status};
use tracing::{Span, field};

use crate::telemetry;

/// Bounds of the duration histogram in seconds, as the conventions advise.
const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The instruments of the process.
pub(super) struct Meters {
    durations: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
    pub(super) panics: Counter<u64>,
}

/// Made on first use, which is after telemetry started.
pub(super) fn meters() -> &'static Meters {
    static METERS: OnceLock<Meters> = OnceLock::new();
    METERS.get_or_init(|| {
        let meter = opentelemetry::global::meter("perennial");
        Meters {
            durations: meter
                .f64_histogram("rpc.server.call.duration")
                .with_description("Time from the first header of a call to its last byte")
                .with_unit("s")
                .with_boundaries(BOUNDS.to_vec())
                .build(),
            in_flight: meter
                .i64_up_down_counter("perennial.server.in_flight")
                .with_description("Calls being answered, open streams included")
                .build(),
            panics: meter
                .u64_counter("perennial.server.panics")
                .with_description("Handlers that panicked, each a bug")
                .build(),
        }
    })
}

/// Follows one call from its first header to its last byte; tells when dropped.
pub(super) struct Observation {
    span: Span,
    method: &'static str,
    started: Instant,
    code: Option<Code>,
}

impl Observation {
    /// Starts with the call's headers; the trace goes on if they carry one.
    pub(super) fn begin<B>(service: &'static str, request: &Request<B>) -> Self {
        let method = method(request.uri().path());
        let span = tracing::info_span!(
            "call",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = field::Empty,
            service,
            caller = field::Empty,
            trace_id = field::Empty,
        );
        telemetry::extract(&span, request.headers());
        if let Some(id) = telemetry::trace_id(&span) {
            span.record("trace_id", id);
        }
        meters().in_flight.add(1, &[]);
        Self { span, method, started: Instant::now(), code: None }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Takes the status from headers or trailers, if they hold it.
    pub(super) fn note(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.code = Some(status.code());
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        // Dropped without a status: the caller left before the end.
        let code = self.code.unwrap_or(Code::Cancelled);
        let (name, elapsed) = (code_name(code), self.started.elapsed());
        self.span.record("rpc.response.status_code", name);
        if is_our_fault(code) {
            self.span.record("otel.status_code", "ERROR");
        }
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let method = self.method;
        self.span.in_scope(|| tracing::debug!(method, code = name, us, "answered"));
        meters().in_flight.add(-1, &[]);
        meters().durations.record(
            elapsed.as_secs_f64(),
            &[
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", self.method),
                KeyValue::new("rpc.response.status_code", name),
            ],
        );
    }
}

/// Name of the method for metrics: one of a known, small set, whatever paths callers try.
fn method(path: &str) -> &'static str {
    if let Some(method) = perennial_proto::method(path) {
        return &method.path[1..];
    }
    match path {
        "/grpc.health.v1.Health/Check" => "grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch" => "grpc.health.v1.Health/Watch",
        _ if path.starts_with("/grpc.reflection.") => "grpc.reflection",
        _ => "_OTHER",
    }
}

/// The codes that the conventions count as errors of the server.
fn is_our_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_paths_share_one_name() {
        assert_eq!(
            method("/perennial.admin.v1.ClockService/GetTime"),
            "perennial.admin.v1.ClockService/GetTime"
        );
        assert_eq!(method("/a/b"), "_OTHER");
        assert_eq!(method("/c"), "_OTHER");
    }
}
