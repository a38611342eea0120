//! The caller's trace goes along.

use crate::server::Fake;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use perennial_client::Channel;
use perennial_client::proto::loyalty::v1::EarnRequest;
use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

#[tokio::test]
async fn the_current_span_is_the_parent_of_what_the_service_does() {
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let fake = Fake::start().await;
    let mut points = PointsServiceClient::new(Channel::to(fake.url()).build().unwrap());

    let span = tracing::info_span!("checkout");
    points.earn(EarnRequest::default()).instrument(span.clone()).await.unwrap();
    let context = span.context().span().span_context().clone();
    let told = fake.seen()[0].headers["traceparent"].to_str().unwrap().to_owned();
    // Version, trace, parent, flags (W3C Trace Context, section 3.2).
    assert_eq!(told, format!("00-{}-{}-01", context.trace_id(), context.span_id()));

    points.earn(EarnRequest::default()).await.unwrap();
    assert_eq!(fake.seen()[1].headers.get("traceparent"), None, "outside of any span");
}
