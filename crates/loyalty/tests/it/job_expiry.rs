//! Points expire only when their holder was warned in time.

use crate::fixture::Service;
use crate::rpc_progress::register;
use chrono::{DateTime, TimeDelta, Utc};
use perennial_loyalty::Config;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::UserErased;
use perennial_proto::loyalty::v1::audit_service_client::AuditServiceClient;
use perennial_proto::loyalty::v1::{
    EarnBatchRequest, EarnRequest, Extension, HoldRequest, ListExtensionsRequest, PointsExpired,
    PointsExpiring, PointsExtended, VoidRequest,
};
use perennial_proto::notification::v1::{
    NotificationDropped, NotificationFailed, NotificationSent,
};
use sea_orm::ConnectionTrait;

/// The shipped settings: a warning is required.
async fn guarded() -> Service {
    Service::with(Config::default()).await
}

async fn earn_for(service: &Service, user: &str, points: i64, days: i64) {
    let expire_time = Some(time::to_proto(service.now() + TimeDelta::days(days)));
    let request =
        EarnRequest { user_id: user.to_owned(), points, expire_time, ..Default::default() };
    service.points().earn(request).await.unwrap();
}

/// The events that told of expiring points.
async fn warnings(service: &Service) -> Vec<Event> {
    let mut events = service.suite.events().await;
    events.retain(|event| event.r#type.ends_with("PointsExpiring"));
    events
}

/// What notification says of the message that answered an event.
enum Said {
    Sent,
    Dropped(&'static str),
    Failed,
}

fn hear(service: &Service, warning: &Event, said: &Said) {
    let (user_id, cause_event_id) = (warning.subject.clone(), warning.id.clone());
    let (log, now) = (service.suite.log(Peer::Notification), service.now());
    let user = user_id.clone();
    match said {
        Said::Sent => {
            let sent = NotificationSent { user_id, cause_event_id, ..Default::default() };
            log.append(now, &user, &sent);
        }
        Said::Dropped(reason) => {
            let reason = (*reason).to_owned();
            let dropped =
                NotificationDropped { user_id, cause_event_id, reason, ..Default::default() };
            log.append(now, &user, &dropped);
        }
        Said::Failed => {
            let failed = NotificationFailed { user_id, cause_event_id, ..Default::default() };
            log.append(now, &user, &failed);
        }
    }
}

/// Says it of all warnings told so far.
async fn hear_all(service: &Service, said: &Said) {
    service.suite.settle().await;
    for warning in warnings(service).await {
        hear(service, &warning, said);
    }
    service.suite.settle().await;
}

async fn extensions(service: &Service) -> Vec<Extension> {
    let request = ListExtensionsRequest::default();
    let mut client = AuditServiceClient::new(service.suite.channel());
    client.list_extensions(request).await.unwrap().into_inner().extensions
}

async fn expiry(service: &Service, user: &str) -> Option<DateTime<Utc>> {
    let next = service.balance(user).await.next_expire_time;
    next.map(|at| time::from_proto("next", &at).unwrap())
}

async fn expired(service: &Service) -> Vec<i64> {
    let told: Vec<PointsExpired> = service.suite.events_of().await;
    told.iter().map(|expired| expired.points).collect()
}

#[tokio::test]
async fn points_whose_holder_was_warned_in_time_expire_on_their_date() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    service.wait_days(29);
    service.suite.settle().await;
    assert!(warnings(&service).await.is_empty());
    service.wait_days(1);
    hear_all(&service, &Said::Sent).await;
    assert_eq!(warnings(&service).await.len(), 1);
    service.wait_days(10);
    assert_eq!(service.balance("ann").await.spendable, 0);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, [30]);
    assert!(extensions(&service).await.is_empty());
    service.assert_sound().await;
}

#[tokio::test]
async fn points_of_which_nobody_was_warned_are_extended_and_the_operator_sees_it() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    let date = service.now() + TimeDelta::days(40);
    service.wait_days(30);
    service.suite.settle().await;
    service.wait_days(10);
    // Before any job has run, at the very instant: still there, with a later date.
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.expired), (30, 0));
    // 14 February, 17:00 in Shanghai; good through 16 March.
    let later: DateTime<Utc> = "2026-03-16T16:00:00Z".parse().unwrap();
    assert_eq!(expiry(&service, "ann").await, Some(later));
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 30);
    service.spend("ann", 5).await.unwrap();

    let told: Vec<PointsExtended> = service.suite.events_of().await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].points, &told[0].expire_time), (30, &Some(time::to_proto(later))));
    let listed = extensions(&service).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].cause.as_str(), listed[0].points), ("PENDING", 30));
    assert_eq!(listed[0].former_expire_time, Some(time::to_proto(date)));
    assert_eq!(listed[0].expire_time, Some(time::to_proto(later)));
    assert_eq!(expired(&service).await, Vec::<i64>::new());

    // The holder is warned of the new date; then it holds.
    service.suite.clock.set(later - TimeDelta::days(9));
    service.suite.settle().await;
    let again = warnings(&service).await;
    assert_eq!(again.len(), 2);
    hear(&service, &again[1], &Said::Sent);
    service.suite.settle().await;
    service.suite.clock.set(later);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, [25]);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_warning_handed_over_too_late_puts_the_date_off() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    service.wait_days(30);
    service.suite.settle().await;
    // A microsecond after seven whole days before.
    service.suite.clock.advance(TimeDelta::days(3) + TimeDelta::microseconds(1));
    hear_all(&service, &Said::Sent).await;
    // 7 February, 17:00 in Shanghai; good through 14 February.
    let later: DateTime<Utc> = "2026-02-14T16:00:00Z".parse().unwrap();
    assert_eq!(expiry(&service, "ann").await, Some(later));
    assert_eq!(extensions(&service).await[0].cause, "LATE");
    service.suite.clock.set(later);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, [30]);
    service.assert_sound().await;
}

#[tokio::test]
async fn only_who_does_not_want_to_be_told_is_taken_as_told() {
    for (said, gone, cause) in [
        (Said::Dropped("OPTED_OUT"), true, ""),
        (Said::Dropped("NO_ADDRESS"), false, "NO_ADDRESS"),
        (Said::Dropped("EXPIRED"), false, "DROPPED"),
        (Said::Failed, false, "FAILED"),
    ] {
        let service = guarded().await;
        earn_for(&service, "ann", 30, 40).await;
        service.wait_days(30);
        hear_all(&service, &said).await;
        service.wait_days(10);
        service.suite.settle().await;
        assert_eq!(expired(&service).await.len(), usize::from(gone), "{cause}");
        let listed = extensions(&service).await;
        assert_eq!(listed.first().map_or("", |one| one.cause.as_str()), cause);
        service.assert_sound().await;
    }
}

#[tokio::test]
async fn whoever_can_never_be_told_keeps_points_a_year_longer_at_most() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    let date = service.now() + TimeDelta::days(40);
    service.suite.clock.set(date);
    while expired(&service).await.is_empty() {
        service.suite.advance(TimeDelta::days(10), TimeDelta::days(10)).await;
        assert!(service.now() < date + TimeDelta::days(420), "never");
    }
    assert!(service.now() >= date + TimeDelta::days(365));
    assert!(extensions(&service).await.len() <= 13);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_date_that_the_caller_asked_for_and_that_is_near_needs_no_warning() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 7).await;
    earn_for(&service, "bob", 30, 8).await;
    service.wait_days(8);
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.expired, 30);
    // A day more, and there was time to warn.
    assert_eq!(service.balance("bob").await.spendable, 30);
    service.assert_sound().await;
}

#[tokio::test]
async fn points_that_come_back_after_their_date_are_warned_of_again() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    let request = HoldRequest {
        user_id: "ann".to_owned(),
        points: 30,
        timeout: Some(prost_types::Duration { seconds: 2_592_000, nanos: 0 }),
        ..Default::default()
    };
    service.wait_days(30);
    let hold = service.points().hold(request).await.unwrap().into_inner();
    hear_all(&service, &Said::Sent).await;
    service.wait_days(15);
    service.suite.settle().await;
    let request = VoidRequest { hold_id: hold.hold_id, ..Default::default() };
    let voided = service.points().void(request).await.unwrap().into_inner().entry.unwrap();
    // 19 February; seven days of grace.
    let grace: DateTime<Utc> = "2026-02-26T16:00:00Z".parse().unwrap();
    assert_eq!(voided.expire_time, Some(time::to_proto(grace)));
    service.suite.settle().await;
    let again = warnings(&service).await;
    assert_eq!(again.len(), 2);
    // The old warning does not count for the new date.
    hear(&service, &again[0], &Said::Sent);
    service.suite.clock.set(grace);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, Vec::<i64>::new());
    assert_eq!(extensions(&service).await.len(), 1);
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erasure_waits_for_no_warning() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, [30]);
    service.assert_sound().await;
}

/// What a hold keeps for somebody who was erased is nobody's to be warned of; who comes back is.
#[tokio::test]
async fn who_was_erased_is_not_warned_and_who_comes_back_is() {
    let service = guarded().await;
    earn_for(&service, "ann", 30, 40).await;
    service.wait_days(20);
    let request = HoldRequest {
        user_id: "ann".to_owned(),
        points: 30,
        timeout: Some(prost_types::Duration { seconds: 2_592_000, nanos: 0 }),
        ..Default::default()
    };
    let hold_id = service.points().hold(request).await.unwrap().into_inner().hold_id;
    service.erase("ann").await;
    service.wait_days(10);
    service.suite.settle().await;
    assert_eq!(warnings(&service).await.len(), 0);
    register(&service, "ann").await;
    assert_eq!(warnings(&service).await.len(), 1);
    // The points are hers again when the hold is let go, and keep their date.
    let request = VoidRequest { hold_id, ..Default::default() };
    service.points().void(request).await.unwrap();
    assert_eq!(service.balance("ann").await.spendable, 30);
    hear_all(&service, &Said::Sent).await;
    service.wait_days(11);
    service.suite.settle().await;
    assert_eq!(expired(&service).await, [30]);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_promise_begins_and_ends_with_the_setting() {
    let off = Config { require_expiry_warning: false, ..Config::default() };
    let service = Service::with(off).await;
    earn_for(&service, "ann", 30, 40).await;
    earn_for(&service, "bob", 30, 40).await;
    let on = service.configured(Config::default()).await;
    on.suite.clock.set(service.now());
    on.wait_days(40);
    assert_eq!(on.balance("ann").await.spendable, 30);
    on.suite.settle().await;
    assert_eq!(on.balance("ann").await.spendable, 30);
    on.assert_sound().await;
    let off = Config { require_expiry_warning: false, ..Config::default() };
    let off = on.configured(off).await;
    off.suite.clock.set(on.now() + TimeDelta::days(40));
    assert_eq!(off.balance("bob").await.spendable, 0);
    off.assert_sound().await;
}

/// Any order of what may be heard, at any time: whatever expires had a warning that was handed over
/// seven days before (or an opt-out).
/// While settings change, some replicas still have the old ones.
#[tokio::test]
async fn what_an_old_replica_gives_is_under_the_new_promise() {
    let off = Config { require_expiry_warning: false, ..Config::default() };
    let old = Service::with(off).await;
    // More than are brought in line at once.
    let earn = |n: i32| EarnRequest {
        user_id: format!("u{}", n % 7),
        points: 1,
        request_id: format!("e{n}"),
        ..Default::default()
    };
    for batch in [0..1_000, 1_000..1_100] {
        let requests = batch.map(earn).collect();
        old.points().earn_batch(EarnBatchRequest { requests }).await.unwrap();
    }
    let new = old.configured(Config::default()).await;
    old.earn("late", 5).await;
    new.suite.clock.set(old.now() + TimeDelta::days(370));
    new.suite.settle().await;
    assert_eq!(expired(&new).await, [] as [i64; 0]);
    let mut kept = new.balance("late").await.spendable;
    for n in 0..7 {
        kept += new.balance(&format!("u{n}")).await.spendable;
    }
    assert_eq!(kept, 1_105);
    new.assert_sound().await;
}

/// A start that was cut off between two batches.
#[tokio::test]
async fn lots_are_brought_in_line_by_the_next_start() {
    let off = Config { require_expiry_warning: false, ..Config::default() };
    let old = Service::with(off).await;
    old.earn("ann", 5).await;
    let db = old.database().await;
    let tx = db.begin().await.unwrap();
    let cut = "UPDATE ledger_head SET notice_required = true, notice_pending = true";
    tx.execute_unprepared(cut).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let new = old.configured(Config::default()).await;
    new.suite.clock.set(old.now() + TimeDelta::days(370));
    new.suite.settle().await;
    assert_eq!(new.balance("ann").await.spendable, 5);
    new.assert_sound().await;
}

#[tokio::test]
async fn whatever_is_heard_nothing_expires_in_silence() {
    let service = guarded().await;
    let mut random = perennial_testkit::Random::new(7);
    for n in 0..12i64 {
        earn_for(&service, &format!("m{}", n % 4), 10 + n, 20 + 3 * n).await;
    }
    let mut handed: Vec<(String, DateTime<Utc>)> = Vec::new();
    for _ in 0..40 {
        service.suite.clock.advance(TimeDelta::hours(36));
        service.suite.settle().await;
        for warning in warnings(&service).await {
            if random.below(6) != 0 {
                continue;
            }
            let said = match random.below(4) {
                0 | 1 => Said::Sent,
                2 => Said::Failed,
                _ => Said::Dropped("NO_ADDRESS"),
            };
            if matches!(said, Said::Sent) {
                handed.push((warning.subject.clone(), service.now()));
            }
            hear(&service, &warning, &said);
        }
    }
    service.suite.settle().await;
    let events = service.suite.events().await;
    let gone = events.iter().filter(|event| event.r#type.ends_with("PointsExpired"));
    let mut count = 0;
    for event in gone {
        let at = time::from_proto("time", event.time.as_ref().unwrap()).unwrap();
        let warned = handed
            .iter()
            .any(|(user, when)| *user == event.subject && *when + TimeDelta::days(7) <= at);
        assert!(warned, "{} lost points at {at} in silence", event.subject);
        count += 1;
    }
    assert!(count > 0, "the test has to see some expire");
    let told: Vec<PointsExpiring> = service.suite.events_of().await;
    assert!(told.len() > 12);
    service.assert_sound().await;
}
