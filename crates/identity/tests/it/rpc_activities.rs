//! Activities over gRPC: taken in once, each with its own verdict.

use crate::fixture::{World, activity, bad_fields, dollars, refusal};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::identity::v1::{
    Activity, ActivityKind, ActivityRecorded, GetProfileRequest, ListActivitiesRequest,
    TrackRequest, TrackStreamRequest, TrackVerdict, UserRegistered,
};
use tonic::Code;

#[tokio::test]
async fn each_activity_has_its_own_verdict() {
    let world = World::start().await;
    let (now, kind) = (world.now(), ActivityKind::Login);
    let good = activity("u", kind, now, "1");
    let future = activity("u", kind, now + TimeDelta::minutes(6), "2");
    let unpaid = Activity { amount: None, ..activity("u", ActivityKind::Purchase, now, "3") };
    let free =
        Activity { amount: Some(dollars(0)), ..activity("u", ActivityKind::Purchase, now, "6") };
    let paid_login = Activity { amount: Some(dollars(1)), ..activity("u", kind, now, "4") };
    let endless = Activity { duration: None, ..activity("u", ActivityKind::Session, now, "5") };
    let reused = activity("u", ActivityKind::CheckIn, now, "1");
    let batch = vec![good.clone(), good.clone(), future, unpaid, paid_login, endless, reused, free];
    let answer = world.track(batch).await;
    let seen: Vec<_> =
        answer.results.iter().map(|result| (result.verdict(), result.reason.as_str())).collect();
    let refused = |reason| (TrackVerdict::Refused, reason);
    let expected = [
        (TrackVerdict::Recorded, ""),
        (TrackVerdict::Duplicate, ""),
        refused("OCCUR_TIME_IN_FUTURE"),
        refused("AMOUNT_REQUIRED"),
        refused("AMOUNT_NOT_ALLOWED"),
        refused("DURATION_REQUIRED"),
        refused("SOURCE_EVENT_ID_REUSED"),
        (TrackVerdict::Recorded, ""),
    ];
    assert_eq!(seen, expected);
    assert_eq!((answer.recorded, answer.duplicates, answer.refused), (2, 1, 5));

    // In a later call as well, and then it is told once only.
    let later = world.track(vec![good, activity("u", ActivityKind::Share, now, "1")]).await;
    assert_eq!((later.recorded, later.duplicates, later.refused), (0, 1, 1));
    let told = world.suite.events_of::<ActivityRecorded>().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].activity_id, answer.results[0].activity_id);
}

#[tokio::test]
async fn the_first_activity_makes_a_bare_profile() {
    let world = World::start().await;
    let first = world.days_ago(90);
    world.track(vec![activity("new", ActivityKind::Purchase, world.days_ago(3), "1")]).await;
    let earlier = activity("new", ActivityKind::Login, first, "2");
    world.track(vec![earlier, activity("new", ActivityKind::Touch, world.days_ago(95), "3")]).await;
    let request = GetProfileRequest { user_id: "new".into() };
    let profile =
        world.profiles().get_profile(request).await.unwrap().into_inner().profile.unwrap();
    assert_eq!(profile.revision, 0);
    assert_eq!(
        profile.register_time,
        Some(time::to_proto(first)),
        "the earliest, touches left out"
    );
    assert_eq!(world.suite.events_of::<UserRegistered>().await.len(), 1);

    // A refused activity makes nobody known.
    world.track(vec![activity("ghost", ActivityKind::Share, world.now(), "1")]).await;
    let request = GetProfileRequest { user_id: "ghost".into() };
    let status = world.profiles().get_profile(request).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "USER_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_malformed_batch_records_nothing() {
    let world = World::start().await;
    let good = activity("u", ActivityKind::Login, world.now(), "1");
    let bad = Activity { user_id: "no spaces".into(), kind: 99, ..good.clone() };
    let request = TrackRequest { activities: vec![good, bad], request_id: "r".into() };
    let status = world.activities().track(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(bad_fields(&status), ["activities[1].user_id", "activities[1].kind"]);
    assert!(world.suite.events().await.is_empty());
}

#[tokio::test]
async fn a_request_id_replays_the_verdicts() {
    let world = World::start().await;
    let activities = vec![activity("u", ActivityKind::Login, world.now(), "1")];
    let request = TrackRequest { activities, request_id: "r1".into() };
    let first = world.activities().track(request.clone()).await.unwrap().into_inner();
    let again = world.activities().track(request).await.unwrap().into_inner();
    assert_eq!((again.recorded, again.replayed), (1, true));
    assert_eq!(first.results, again.results);
}

#[tokio::test]
async fn many_callers_at_once_record_each_activity_once() {
    let world = World::start().await;
    let now = world.now();
    // Every activity is told by two callers, for ten users that nobody knows yet.
    let calls = (0..64).map(|caller| {
        let mut client = world.activities();
        let tell = |n: i64| {
            let user = format!("u{}", n % 10);
            activity(&user, ActivityKind::Login, now - TimeDelta::minutes(n), &n.to_string())
        };
        let activities = (0..5).map(|n| tell(caller / 2 * 5 + n)).collect();
        async move {
            let request = TrackRequest { activities, request_id: String::new() };
            client.track(request).await.unwrap().into_inner()
        }
    });
    let answers = futures::future::join_all(calls).await;
    let sum = |count: fn(&perennial_proto::identity::v1::TrackResponse) -> i32| {
        answers.iter().map(count).sum::<i32>()
    };
    assert_eq!((sum(|a| a.recorded), sum(|a| a.duplicates), sum(|a| a.refused)), (160, 160, 0));
    world.suite.settle().await;
    assert_eq!(world.suite.events_of::<UserRegistered>().await.len(), 10);
    assert_eq!(world.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_answers_with_its_counts() {
    let world = World::start().await;
    let now = world.now();
    let tell =
        |n: i64| activity("u", ActivityKind::Search, now - TimeDelta::seconds(n), &n.to_string());
    let future = activity("u", ActivityKind::Login, now + TimeDelta::days(1), "later");
    let batches: Vec<TrackStreamRequest> = [
        (0..700).map(tell).collect::<Vec<_>>(),
        vec![tell(5), future.clone()],
        (700..1_500).map(tell).collect(),
    ]
    .into_iter()
    .map(|activities| TrackStreamRequest { activities, request_id: String::new() })
    .collect();
    let stream = futures::stream::iter(batches);
    let answer = world.activities().track_stream(stream).await.unwrap().into_inner();
    assert_eq!((answer.recorded, answer.duplicates, answer.refused), (1_500, 1, 1));
    assert_eq!(
        (answer.refusals[0].index, answer.refusals[0].reason.as_str()),
        (701, "OCCUR_TIME_IN_FUTURE")
    );
    assert!(!answer.replayed);
}

#[tokio::test]
async fn activities_are_listed_latest_first_in_pages() {
    let world = World::start().await;
    let mut told: Vec<_> = (0..9)
        .map(|n| activity("u", ActivityKind::Login, world.days_ago(n / 2), &n.to_string()))
        .collect();
    told.push(activity("u", ActivityKind::Purchase, world.days_ago(1), "bought"));
    told.push(activity("other", ActivityKind::Login, world.now(), "other"));
    world.track(told).await;
    let list = async |request: ListActivitiesRequest| {
        world.activities().list_activities(request).await.unwrap().into_inner()
    };
    let all = ListActivitiesRequest { user_id: "u".into(), page_size: 4, ..Default::default() };
    let mut page = list(all.clone()).await;
    let mut seen = page.activities;
    while !page.next_page_token.is_empty() {
        page =
            list(ListActivitiesRequest { page_token: page.next_page_token, ..all.clone() }).await;
        seen.extend(page.activities);
    }
    assert_eq!(seen.len(), 10);
    assert!(
        seen.is_sorted_by(|a, b| a.occur_time.unwrap().seconds >= b.occur_time.unwrap().seconds)
    );
    let mut ids: Vec<_> = seen.iter().map(|one| &one.source_event_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10, "no activity twice, none left out");

    let bought = list(ListActivitiesRequest {
        kinds: vec![ActivityKind::Purchase.into()],
        start_time: Some(time::to_proto(world.days_ago(1))),
        end_time: Some(time::to_proto(world.now())),
        ..all.clone()
    });
    assert_eq!(bought.await.activities[0].amount, Some(dollars(5_000)));
    let backwards = ListActivitiesRequest {
        start_time: Some(time::to_proto(world.now())),
        end_time: Some(time::to_proto(world.days_ago(1))),
        ..all
    };
    let status = world.activities().list_activities(backwards).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["end_time"]);
}
