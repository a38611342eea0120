//! One trace from a call to what it led to in another service, days or milliseconds later: also
//! where the call shared its transaction with others.

use perennial_proto::feedback::v1::{Category, Channel, SubmitFeedbackRequest};
use perennial_proto::identity::v1::{Profile, UpsertProfileRequest};
use perennial_testkit::free_port;
use perennial_tests::collector::{Collector, Seen};
use perennial_tests::programs::Program;
use perennial_tests::{Clients, Setup};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Request;

/// Calls at the same moment.
const CALLERS: u32 = 60;
const SUBMIT: &str = "perennial.feedback.v1.FeedbackService/SubmitFeedback";

/// The caller's own span, the same in all traces.
const CALLER: &str = "00f067aa0ba902b7";

fn trace_id(n: u32) -> String {
    format!("4bf92f3577b34da6a3ce929d{n:08x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_leads_from_feedback_through_the_log_to_the_mail() {
    let (smtp, folder) = (free_port(), TempDir::new().unwrap());
    let mut server = Command::new("aiosmtpd");
    server.args(["-n", "-l", &format!("127.0.0.1:{smtp}"), "-c", "aiosmtpd.handlers.Mailbox"]);
    server.arg(folder.path().join("mail"));
    let _server = Program::start(&mut server, smtp);
    let (collector, endpoint) = Collector::start().await;
    let settings = format!(
        "[telemetry]\notlp_endpoint = {endpoint:?}\n\
         [notification.email]\nsmtp_url = \"smtp://127.0.0.1:{smtp}\"\n\
         [[notification.triggers]]\nname = \"feedback-received\"\non = \"feedback_received\"\n\
         template = \"feedback-received\"\ntopic = \"service\"\nchannels = [\"email\"]\n\
         class = \"transactional\"\ndelay_seconds = 0\nexpire_after_seconds = 86400\n"
    );
    let setup = Setup::fresh().await.with(&settings).env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let running = setup.start().await;
    let clients = running.clients();
    let profile =
        Profile { user_id: "ada".into(), email: "ada@example.com".into(), ..Profile::default() };
    let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
    clients.profiles.clone().upsert_profile(request).await.unwrap();

    let calls = (0..CALLERS).map(|n| submit(clients.clone(), n));
    futures::future::join_all(calls).await;

    // The first caller's: call, consumer, mail, each the child of the one before.
    let mail = found(&collector, 0, |span| span.name == "deliver").await;
    let consumed = found(&collector, 0, is_received).await;
    let call = found(&collector, 0, |span| span.name == SUBMIT && span.server).await;
    assert_eq!(call.parent, CALLER);
    assert_eq!(consumed.parent, call.id, "the event does not go on with its call");
    assert_eq!(mail.parent, consumed.id, "the mail does not go on with its event");
    assert_eq!(mail.attributes["channel"], "email");
    assert_eq!(mail.attributes["outcome"], "sent");
    let mails = std::fs::read_dir(folder.path().join("mail/new")).unwrap().count();
    assert_eq!(mails, 1, "only one of the callers has an address");

    // Everybody else's: no event went astray, though they shared transactions.
    for n in 1..CALLERS {
        let consumed = found(&collector, n, is_received).await;
        let call = found(&collector, n, |span| span.name == SUBMIT && span.server).await;
        assert_eq!(consumed.parent, call.id, "trace {n}");
        let others = collector.trace(&trace_id(n)).into_iter().filter(is_received).count();
        assert_eq!(others, 1, "trace {n} has another's event");
    }
    assert!(running.stop().await.success());
    let sizes = collector.figures()["perennial.commit.batch.size"].values.clone();
    let intake = |(labels, batches): (&Vec<(String, String)>, &f64)| {
        labels.iter().any(|(_, value)| value == "feedback.intake").then_some(*batches)
    };
    let batches = sizes.iter().find_map(intake).unwrap();
    println!("{CALLERS} calls in {batches} transactions");
    assert!(batches < f64::from(CALLERS), "nobody shared a transaction, so nothing was shown");
}

/// Feedback of the n-th user, within the n-th trace.
async fn submit(clients: Clients, n: u32) {
    let user_id = if n == 0 { "ada".to_owned() } else { format!("user-{n}") };
    let mut request = Request::new(SubmitFeedbackRequest {
        user_id,
        channel: Channel::Form.into(),
        category: Category::Bug.into(),
        text: "It does not save.".into(),
        ..SubmitFeedbackRequest::default()
    });
    let parent = format!("00-{}-{CALLER}-01", trace_id(n));
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    clients.feedback.clone().submit_feedback(request).await.unwrap();
}

fn is_received(span: &Seen) -> bool {
    let of = |name: &str| span.attributes.get(name).map(String::as_str);
    span.name == "consume"
        && of("consumer") == Some("notification.feedback")
        && of("kind") == Some("perennial.feedback.v1.FeedbackReceived")
}

/// The span of the n-th trace, as soon as the collector has it.
async fn found(collector: &Collector, n: u32, wanted: impl Fn(&Seen) -> bool) -> Seen {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let spans = collector.trace(&trace_id(n));
        if let Some(span) = spans.iter().find(|span| wanted(span)) {
            return span.clone();
        }
        assert!(Instant::now() < until, "trace {n} has only {spans:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
