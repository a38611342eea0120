//! What the process tells about itself: log lines on standard error, traces and metrics by OTLP.
//!
//! Started first and ended last by the binary, apart from [`crate::process`], so that everything
//! in between is seen and tests need none of it. Log lines and spans carry ids, never personal
//! data: what may hold some is a [`crate::vault::Pii`], which prints "[redacted]".

mod figures;
mod propagation;

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, TelemetryConfig};
use crate::error::{Code, Error, Result};

pub(crate) use figures::{max_in_flight, measured, replayed, shed};
pub(crate) use propagation::{extract, inject, trace_id};
pub use propagation::{follow, traceparent};

/// Longest wait for the collector when the process ends.
const FLUSH: Duration = Duration::from_secs(2);

/// Keeps telemetry running; end it with [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    tracer: SdkTracerProvider,
    meter: Option<SdkMeterProvider>,
}

/// Starts logs, traces and metrics. Call once, inside the runtime, before anything else.
///
/// Spans get ids even without a collector, so that log lines of one call can be found by their
/// trace id across services. Errors: INVALID_ARGUMENT / TELEMETRY_CONFIG.
pub fn start(config: &TelemetryConfig) -> Result<Telemetry> {
    let resource = Resource::builder().with_service_name(config.service_name.clone()).build();
    let mut tracer = SdkTracerProvider::builder().with_resource(resource.clone());
    let mut meter = None;
    if let Some(endpoint) = &config.otlp_endpoint {
        let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
        tracer = tracer.with_batch_exporter(spans.map_err(refused)?);
        let metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build();
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_periodic_exporter(metrics.map_err(refused)?)
            .build();
        opentelemetry::global::set_meter_provider(provider.clone());
        figures::measure();
        meter = Some(provider);
    } else {
        // Nobody would see them: spans have ids and nothing else, unless a caller wants more.
        tracer = tracer.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    }
    let tracer = tracer.build();
    let filter = EnvFilter::try_new(&config.log_filter).map_err(refused)?;
    let lines = match config.log_format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Pretty => fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer.tracer("perennial"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(refused)?;
    log_panics();
    Ok(Telemetry { tracer, meter })
}

impl Telemetry {
    /// Hands over what is still in memory, for two seconds at most. The last thing a process does.
    pub async fn shutdown(self) {
        // The exporters block while they flush.
        let flushed = tokio::task::spawn_blocking(move || {
            let _ = self.tracer.shutdown_with_timeout(FLUSH);
            if let Some(meter) = self.meter {
                let _ = meter.shutdown_with_timeout(FLUSH);
            }
        });
        // A collector that is away must not keep the process.
        let _ = tokio::time::timeout(FLUSH * 2, flushed).await;
    }
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::new(Code::InvalidArgument, "TELEMETRY_CONFIG", format!("telemetry: {error}"))
}

/// Panics become log lines like all else, with their place.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("panic");
        tracing::error!(place, message, "panicked");
    }));
}
