//! Trace context on its way in, out and through the event log (W3C Trace Context).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The current span as a `traceparent` (`00-<trace>-<span>-01`), to be stored with an event; empty,
/// and free of cost, when the trace is not sampled or there is none.
pub fn traceparent() -> String {
    let context = Span::current().context();
    let span = context.span();
    let context = span.span_context();
    if !context.is_valid() || !context.is_sampled() {
        return String::new();
    }
    format!("00-{}-{}-01", context.trace_id(), context.span_id())
}

/// Makes `span` a child of the span that a stored [`traceparent`] names, so that the trace of a
/// change goes on in the services that hear of it. Text that is none changes nothing. Call it
/// before the span is entered.
pub fn follow(span: &Span, traceparent: &str) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        headers.insert(TRACEPARENT, value);
        extract(span, &headers);
    }
}

/// Makes `span` a child of the span that a request's headers name, if they name one.
pub(crate) fn extract(span: &Span, headers: &HeaderMap) {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if context.span().span_context().is_valid() {
        // Fails only when spans go nowhere.
        let _ = span.set_parent(context);
    }
}

/// Writes the context of `span` into the headers of a call.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&span.context(), &mut HeadersMut(headers));
}

/// Trace id of `span` in hexadecimal, to be found in log lines.
pub(crate) fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    const STORED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traced(work: impl FnOnce()) {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    }

    #[test]
    fn a_stored_traceparent_goes_on_in_the_span_that_follows_it() {
        traced(|| {
            let span = tracing::info_span!("consume");
            follow(&span, STORED);
            let own = span.in_scope(traceparent);
            assert_eq!(own[..36], STORED[..36], "same trace");
            assert_ne!(own, STORED, "another span");
        });
    }

    #[test]
    fn nonsense_starts_a_new_trace() {
        traced(|| {
            let span = tracing::info_span!("consume");
            follow(&span, "00-xyz");
            assert_eq!(span.in_scope(traceparent).len(), STORED.len());
        });
    }

    #[test]
    fn what_is_not_sampled_is_not_stored() {
        traced(|| {
            let span = tracing::info_span!("consume");
            follow(&span, &STORED.replace("-01", "-00"));
            assert_eq!(span.in_scope(traceparent), "");
        });
    }

    #[test]
    fn untraced_work_has_no_traceparent() {
        assert_eq!(traceparent(), "");
    }
}
