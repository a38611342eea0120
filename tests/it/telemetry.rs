//! Traces and metrics against a real OTLP receiver (rotel): one trace spans the services that a
//! purchase goes through.

use perennial_platform::clock::Clock;
use perennial_platform::time::to_proto;
use perennial_proto::identity::v1::{Activity, ActivityKind, TrackRequest};
use perennial_proto::loyalty::v1::GetBalanceRequest;
use perennial_proto::types::v1::Money;
use perennial_testkit::free_port;
use perennial_tests::Setup;
use perennial_tests::programs::Program;
use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Request;

/// Sent by the caller, so that the test knows the trace.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn one_trace_and_the_metrics_of_a_call_reach_the_collector() {
    let (grpc, http, folder) = (free_port(), free_port(), TempDir::new().unwrap());
    let seen = folder.path().join("seen");
    let mut command = Command::new("rotel-agent");
    command.arg("start");
    command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
    command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
    command.args(["--exporter", "blackhole", "--debug-log", "traces", "--debug-log", "metrics"]);
    command.args(["--debug-log-verbosity", "detailed"]);
    let output = File::create(&seen).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output);
    let _collector = Program::start(&mut command, grpc);

    let endpoint = format!("[telemetry]\notlp_endpoint = \"http://127.0.0.1:{grpc}\"");
    let setup = Setup::fresh().await.with(&endpoint);
    let running = setup.start().await;
    let activity = Activity {
        user_id: "ada".into(),
        kind: ActivityKind::Purchase.into(),
        amount: Some(Money { currency: "CNY".into(), minor_units: 10_000 }),
        occur_time: Some(to_proto(Clock::system().now())),
        source: "shop".into(),
        source_event_id: "order-1".into(),
        ..Activity::default()
    };
    let mut request =
        Request::new(TrackRequest { activities: vec![activity], ..Default::default() });
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    let mut clients = running.clients();
    clients.activities.track(request).await.unwrap();
    // Loyalty reads identity's log: the trace goes on in its consumer.
    let until = Instant::now() + Duration::from_secs(20);
    let balance = GetBalanceRequest { user_id: "ada".into() };
    while clients.points.get_balance(balance.clone()).await.is_err() {
        assert!(Instant::now() < until, "the purchase earned nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Stopping flushes what is still in memory.
    assert!(running.stop().await.success());

    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let text = std::fs::read_to_string(&seen).unwrap_or_default();
        let missing: Vec<&str> =
            [TRACE, "perennial.identity.v1.ActivityService/Track", "rpc.server"]
                .into_iter()
                .filter(|part| !text.contains(part))
                .collect();
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "the collector never saw {missing:?}:\n{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
