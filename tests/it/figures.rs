//! The metrics of a running suite beside everything that names them: dashboards, alert rules and
//! docs/metrics.md.

use perennial_platform::clock::Clock;
use perennial_platform::time::to_proto;
use perennial_proto::feedback::v1::{Category, Channel, SubmitFeedbackRequest};
use perennial_proto::identity::v1::{
    Activity, ActivityKind, Profile, TrackRequest, UpsertProfileRequest,
};
use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_proto::notification::v1::{
    DeliveryChannel, MessageClass, ScheduleNotificationRequest,
};
use perennial_proto::types::v1::Money;
use perennial_tests::collector::{Collector, Figure};
use perennial_tests::workspace::{files, root};
use perennial_tests::{Clients, Setup};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Metrics that the suite of this test does not tell, and the occasion that makes them.
const IN_TROUBLE: [(&str, &str); 8] = [
    ("perennial.server.sheds", "a call is turned away"),
    ("perennial.server.panics", "a handler panics"),
    ("perennial.worker.failures", "background work fails"),
    ("perennial.consumer.parked", "an event is set aside"),
    ("perennial.auth.refusals", "a caller is refused"),
    ("perennial.auth.key_refreshes", "callers have tokens of an issuer"),
    ("perennial.file.reloads", "a certificate or token changes on disk"),
    ("perennial.tls.failed_handshakes", "a connection does not get through its handshake"),
];

/// What our series begin with; the same is true of some of their labels.
const OURS: [&str; 3] = ["rpc_", "db_", "perennial_"];

/// Every metric is told once its part of the suite has been in use.
async fn use_everything(clients: &Clients) {
    let profile =
        Profile { user_id: "ada".into(), email: "ada@example.com".into(), ..Profile::default() };
    let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
    clients.profiles.clone().upsert_profile(request).await.unwrap();
    let activity = Activity {
        user_id: "ada".into(),
        kind: ActivityKind::Purchase.into(),
        amount: Some(Money { currency: "CNY".into(), minor_units: 10_000 }),
        occur_time: Some(to_proto(Clock::system().now())),
        source: "shop".into(),
        source_event_id: "order-1".into(),
        ..Activity::default()
    };
    let track = TrackRequest { activities: vec![activity], ..Default::default() };
    clients.activities.clone().track(track).await.unwrap();
    let feedback = SubmitFeedbackRequest {
        user_id: "ada".into(),
        channel: Channel::Form.into(),
        category: Category::Bug.into(),
        text: "It does not save.".into(),
        ..SubmitFeedbackRequest::default()
    };
    clients.feedback.clone().submit_feedback(feedback).await.unwrap();
    let mail = ScheduleNotificationRequest {
        user_id: "ada".into(),
        template: "inactivity".into(),
        topic: "reminder".into(),
        channels: vec![DeliveryChannel::Email.into()],
        class: MessageClass::Transactional.into(),
        ..ScheduleNotificationRequest::default()
    };
    clients.notifications.clone().schedule_notification(mail).await.unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let balance = GetBalanceRequest { user_id: "ada".into() };
    while clients.points.clone().get_balance(balance.clone()).await.is_err() {
        assert!(Instant::now() < until, "the purchase earned nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The same call twice: the second is answered from memory.
    let earn = EarnRequest {
        user_id: "ada".into(),
        points: 5,
        request_id: "earn-1".into(),
        ..EarnRequest::default()
    };
    for _ in 0..2 {
        clients.points.clone().earn(earn.clone()).await.unwrap();
    }
}

/// Identifiers in a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').collect()
}

/// The metrics that docs/metrics.md lists: first cells of its table.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let known = |name: &str| ["rpc.", "db.", "perennial."].iter().any(|p| name.starts_with(p));
    cells.map(|(name, _)| name.to_owned()).filter(|name| known(name)).collect()
}

/// Series that dashboards and rules name, each with the file that does.
fn named(labels: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    let mut paths = files("deploy/dashboards", &["json"]);
    paths.push(root().join("deploy/alerts/perennial.rules.yaml"));
    assert!(paths.len() > 1);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        for word in words(&code.join("\n")) {
            let ours = OURS.iter().any(|prefix| word.starts_with(prefix));
            if ours && !labels.contains(word) {
                named.insert(word.to_owned(), path.display().to_string());
            }
        }
    }
    assert!(named.len() > 10, "{named:?}");
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dashboards_rules_and_docs_name_is_what_the_suite_tells() {
    let redis = std::env::var("PERENNIAL_TEST_REDIS_URL").unwrap();
    let (collector, endpoint) = Collector::start().await;
    let settings = format!(
        "[telemetry]\notlp_endpoint = {endpoint:?}\n[redis]\nurl = {redis:?}\n\
         [notification]\nquiet_hours.enabled = false\n"
    );
    let setup = Setup::fresh().await.with(&settings).env("OTEL_METRIC_EXPORT_INTERVAL", "500");
    let running = setup.start().await;
    use_everything(&running.clients()).await;

    let expected: BTreeSet<String> = documented()
        .into_iter()
        .filter(|name| IN_TROUBLE.iter().all(|(trouble, _)| name != trouble))
        .collect();
    assert!(expected.len() > 15, "{expected:?}");
    let until = Instant::now() + Duration::from_mins(1);
    let figures = loop {
        let figures = collector.figures();
        if expected.iter().all(|name| figures.contains_key(name)) {
            break figures;
        }
        let missing: Vec<_> = expected.iter().filter(|n| !figures.contains_key(*n)).collect();
        assert!(Instant::now() < until, "documented, and nobody tells: {missing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let undocumented: Vec<_> =
        figures.keys().filter(|name| !documented().contains(*name)).collect();
    assert!(undocumented.is_empty(), "told, and not in docs/metrics.md: {undocumented:?}");

    let labels: BTreeSet<String> = figures.values().flat_map(|f| f.labels.clone()).collect();
    let mut series: BTreeSet<String> = figures.values().flat_map(|f| f.series.clone()).collect();
    series.extend(IN_TROUBLE.map(|(name, _)| format!("{}_total", name.replace('.', "_"))));
    let strange: Vec<_> = named(&labels)
        .into_iter()
        .filter(|(name, _)| !name.contains(':') && !series.contains(name))
        .collect();
    assert!(strange.is_empty(), "named, and nobody tells it: {strange:?}");

    what_they_say(&figures);
    assert!(running.stop().await.success());
}

/// A few of the figures say what happened.
fn what_they_say(figures: &BTreeMap<String, Figure>) {
    let value = |name: &str, label: &str| {
        let values = &figures[name].values;
        values.iter().find(|(labels, _)| labels.iter().any(|(_, v)| v == label)).map(|(_, v)| *v)
    };
    assert_eq!(
        value("perennial.request.replays", "perennial.loyalty.v1.PointsService/Earn"),
        Some(1.0)
    );
    assert_eq!(value("perennial.notification.outcomes", "email"), Some(1.0));
    assert!(value("perennial.consumer.lag", "loyalty.activities").is_some());
    assert!(value("perennial.due.lateness", "notification.dispatch").is_some());
    assert!(figures["perennial.redis.up"].values.values().all(|up| *up > 0.0));
    let limit = figures["perennial.server.max_in_flight"].values.values().copied().next();
    assert!(limit > Some(0.0));
}
