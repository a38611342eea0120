//! An OTLP receiver inside the test: what it is told can be asked for as data.

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Everything that was told. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Collector(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    spans: Vec<Seen>,
    figures: BTreeMap<String, Figure>,
}

/// A span, ids in hexadecimal.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields of a span")]
pub struct Seen {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub server: bool,
    pub attributes: BTreeMap<String, String>,
}

/// A metric.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// Names under which a Prometheus exporter shows it, as the OpenTelemetry specification has it.
    pub series: BTreeSet<String>,
    /// Names of its labels, as a Prometheus exporter shows them.
    pub labels: BTreeSet<String>,
    /// The last value of each of its series by labels; of a histogram its count.
    pub values: BTreeMap<Vec<(String, String)>, f64>,
}

impl Collector {
    /// Listens on a free port; answers the collector and its address.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let server = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        #[expect(clippy::disallowed_methods, reason = "a receiver of a test is outside any host")]
        tokio::spawn(server);
        (collector, format!("http://{address}"))
    }

    /// The spans of a trace.
    pub fn trace(&self, id: &str) -> Vec<Seen> {
        self.told().spans.iter().filter(|span| span.trace == id).cloned().collect()
    }

    /// The metrics by their OpenTelemetry names.
    pub fn figures(&self) -> BTreeMap<String, Figure> {
        self.told().figures.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|r| r.scope_spans);
        self.told().spans.extend(scopes.flat_map(|scope| scope.spans).map(seen));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let scopes =
            request.into_inner().resource_metrics.into_iter().flat_map(|r| r.scope_metrics);
        let mut told = self.told();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            note(told.figures.entry(metric.name.clone()).or_default(), &metric);
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn seen(span: Span) -> Seen {
    let hex = |id: &[u8]| id.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Seen {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        server: span.kind == 2,
        attributes: span.attributes.into_iter().map(text).collect(),
    }
}

fn text(attribute: KeyValue) -> (String, String) {
    let value = attribute.value.and_then(|value| value.value);
    let value = match value {
        Some(Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    (attribute.key, value)
}

/// Prometheus' names: dots become underscores, the unit is appended, what only grows ends in
/// _total, a histogram is three series.
fn note(figure: &mut Figure, metric: &Metric) {
    let unit = match metric.unit.as_str() {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
    let name = format!("{}{unit}", metric.name.replace('.', "_"));
    let mut point = |attributes: &[KeyValue], value: f64| {
        let labels: Vec<_> = attributes.iter().cloned().map(text).collect();
        figure.labels.extend(labels.iter().map(|(label, _)| label.replace('.', "_")));
        figure.values.insert(labels, value);
    };
    match &metric.data {
        Some(Data::Gauge(gauge)) => {
            gauge.data_points.iter().for_each(|p| point(&p.attributes, number(p)));
            figure.series.insert(name);
        }
        Some(Data::Sum(sum)) => {
            sum.data_points.iter().for_each(|p| point(&p.attributes, number(p)));
            figure.series.insert(if sum.is_monotonic { format!("{name}_total") } else { name });
        }
        Some(Data::Histogram(histogram)) => {
            #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
            histogram.data_points.iter().for_each(|p| point(&p.attributes, p.count as f64));
            let series = ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}"));
            figure.series.extend(series);
        }
        _ => {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        None => 0.0,
    }
}
