//! Two replicas on one database do everything once between them.

use crate::fixture::{World, activity, profile};
use chrono::TimeDelta;
use perennial_proto::identity::v1::{
    ActivityKind, RiskGradeChanged, TrackRequest, UpsertProfileRequest, UserRegistered,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_to_both_is_recorded_once() {
    let one = World::start().await;
    let other = one.replica().await;
    let now = one.now();
    // Every activity goes to both, for seven users whom a profile call creates at the same time.
    let tracked = (0..120).map(|n| {
        let world = if n % 2 == 0 { &one } else { &other };
        let (mut client, user) = (world.activities(), format!("u{}", n / 2 % 7));
        let at = now - TimeDelta::minutes(n / 2);
        let activities = vec![activity(&user, ActivityKind::Purchase, at, &(n / 2).to_string())];
        async move {
            let request = TrackRequest { activities, request_id: String::new() };
            client.track(request).await.unwrap().into_inner().recorded
        }
    });
    let created = (0..7).map(|n| {
        let mut client = other.profiles();
        let request =
            UpsertProfileRequest { profile: Some(profile(&format!("u{n}"))), ..Default::default() };
        async move { client.upsert_profile(request).await.unwrap() }
    });
    let (recorded, _) =
        tokio::join!(futures::future::join_all(tracked), futures::future::join_all(created));
    assert_eq!(recorded.into_iter().sum::<i32>(), 60);
    assert_eq!(one.suite.events_of::<UserRegistered>().await.len(), 7);
    assert_eq!(one.violations().await, Vec::<String>::new());

    for world in [&one, &other] {
        world.suite.clock.advance(TimeDelta::days(14));
    }
    tokio::join!(one.suite.settle(), other.suite.settle());
    // Whoever lost a race looks once more.
    tokio::join!(one.suite.settle(), other.suite.settle());
    assert_eq!(one.suite.events_of::<RiskGradeChanged>().await.len(), 7, "each told once");
    assert_eq!(one.violations().await, Vec::<String>::new());
}
