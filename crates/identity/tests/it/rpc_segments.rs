//! Segments over gRPC: who is in, why, and out again on time.

use crate::fixture::{World, activity, profile, refusal};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::identity::v1::{
    ActivityKind, CountMembersRequest, GetMembershipRequest, GetMembershipResponse,
    ListMembersRequest, Profile, SegmentEntered, SegmentLeft, quantity,
};
use tonic::Code;

async fn membership(world: &World, user_id: &str) -> GetMembershipResponse {
    let request = GetMembershipRequest { user_id: user_id.to_owned() };
    world.segments().get_membership(request).await.unwrap().into_inner()
}

async fn members(world: &World, segment: &str) -> Vec<String> {
    let request = ListMembersRequest { segment: segment.to_owned(), ..Default::default() };
    let answer = world.segments().list_members(request).await.unwrap().into_inner();
    answer.members.into_iter().map(|member| member.user_id).collect()
}

#[tokio::test]
async fn an_answer_comes_with_its_evidence() {
    let world = World::start().await;
    let bought = |n: i64| activity("u", ActivityKind::Purchase, world.days_ago(n), &n.to_string());
    world.track(vec![bought(10), bought(20), bought(40)]).await;
    let answer = membership(&world, "u").await;
    assert_eq!(answer.primary_segment, "high_value");
    let keys: Vec<_> =
        answer.segments.iter().map(|finding| (finding.segment.as_str(), finding.member)).collect();
    let expected = [("new", false), ("active", false), ("high_value", true), ("churn_risk", false)];
    assert_eq!(keys, expected);
    let spend = &answer.segments[2].observations[0];
    assert_eq!((spend.measure.as_str(), spend.met), ("spend_in_year", true));
    let value = |quantity: &Option<perennial_proto::identity::v1::Quantity>| match quantity
        .as_ref()
        .and_then(|quantity| quantity.kind.clone())
    {
        Some(quantity::Kind::Money(money)) => money.minor_units,
        other => panic!("not money: {other:?}"),
    };
    assert_eq!((value(&spend.observed), value(&spend.threshold)), (15_000, 13_556));
    assert_eq!(spend.basis, "industry_average/any/USD/1970-01-01");
    // Ten days silent: four more until the churn grade changes.
    assert_eq!(answer.next_change_time, Some(time::to_proto(world.now() + TimeDelta::days(4))));
}

#[tokio::test]
async fn members_enter_and_leave_when_time_says_so() {
    let world = World::start().await;
    world.upsert(profile("quiet")).await;
    world.upsert(Profile { influencer: true, ..profile("known") }).await;
    world.suite.settle().await;
    assert_eq!(members(&world, "new").await, ["known", "quiet"]);
    assert_eq!(members(&world, "high_value").await, ["known"]);

    world.suite.clock.advance(TimeDelta::days(30));
    assert!(world.suite.settle().await > 0);
    assert_eq!(members(&world, "new").await, ["known", "quiet"], "30 days is still new");
    assert_eq!(members(&world, "churn_risk").await, ["known", "quiet"], "and as long silent");
    world.suite.clock.advance(TimeDelta::microseconds(1));
    world.suite.settle().await;
    assert_eq!(members(&world, "new").await, Vec::<String>::new());

    world.track(vec![activity("quiet", ActivityKind::Login, world.now(), "back")]).await;
    world.suite.settle().await;
    assert_eq!(members(&world, "churn_risk").await, ["known"]);
    let entered = world.suite.events_of::<SegmentEntered>().await;
    let left = world.suite.events_of::<SegmentLeft>().await;
    assert_eq!((entered.len(), left.len()), (5, 3));
    assert_eq!((left[2].user_id.as_str(), left[2].segment.as_str()), ("quiet", "churn_risk"));
    assert_eq!(world.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn use_and_interaction_make_active_and_a_late_activity_counts_as_well() {
    let world = World::start().await;
    let mut told = Vec::new();
    for (n, kind) in
        [ActivityKind::Comment, ActivityKind::Share, ActivityKind::Feedback].iter().enumerate()
    {
        told.push(activity("u", *kind, world.days_ago(20), &format!("i{n}")));
    }
    told.push(activity("u", ActivityKind::ReviewPositive, world.days_ago(29), "i3"));
    told.push(activity("u", ActivityKind::Login, world.days_ago(0), "l0"));
    told.push(activity("u", ActivityKind::Session, world.days_ago(1), "s1"));
    told.push(activity("u", ActivityKind::CheckIn, world.days_ago(6), "c6"));
    world.track(told).await;
    assert!(!world.segments_of("u").await.contains(&"active".to_owned()), "four interactions");
    world.track(vec![activity("u", ActivityKind::Comment, world.days_ago(25), "late")]).await;
    assert!(world.segments_of("u").await.contains(&"active".to_owned()));
    world.suite.settle().await;
    assert_eq!(members(&world, "active").await, ["u"]);
    // At midnight the check-in of six days ago falls out of the week.
    world.suite.clock.advance(TimeDelta::hours(15));
    world.suite.settle().await;
    assert_eq!(members(&world, "active").await, Vec::<String>::new());
}

#[tokio::test]
async fn three_short_sessions_after_long_ones_are_a_risk() {
    let world = World::start().await;
    let session = |n: i64, minutes: i64| {
        let mut one = activity("u", ActivityKind::Session, world.days_ago(n), &n.to_string());
        one.duration = Some(prost_types::Duration { seconds: minutes * 60, nanos: 0 });
        one
    };
    world.track(vec![session(9, 60), session(8, 60), session(7, 60)]).await;
    assert!(!world.segments_of("u").await.contains(&"churn_risk".to_owned()));
    world.track(vec![session(3, 30), session(2, 30), session(1, 30)]).await;
    assert!(world.segments_of("u").await.contains(&"churn_risk".to_owned()));
}

#[tokio::test]
async fn counts_and_pages() {
    let world = World::start().await;
    for n in 0..5 {
        world.upsert(profile(&format!("u{n}"))).await;
    }
    world.suite.settle().await;
    let counts = world.segments().count_members(CountMembersRequest {}).await.unwrap().into_inner();
    assert_eq!(counts.users, 5);
    let sizes: Vec<_> =
        counts.counts.iter().map(|count| (count.segment.as_str(), count.members)).collect();
    assert_eq!(sizes, [("new", 5), ("active", 0), ("high_value", 0), ("churn_risk", 0)]);

    let request = ListMembersRequest { segment: "new".into(), page_size: 3, ..Default::default() };
    let first = world.segments().list_members(request.clone()).await.unwrap().into_inner();
    let request = ListMembersRequest { page_token: first.next_page_token, ..request };
    let second = world.segments().list_members(request).await.unwrap().into_inner();
    assert_eq!((first.members.len(), second.members.len()), (3, 2));
    assert!(second.next_page_token.is_empty());
    assert_eq!(first.members[0].enter_time, Some(time::to_proto(world.now())));

    let request = ListMembersRequest { segment: "vip".into(), ..Default::default() };
    let status = world.segments().list_members(request).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "SEGMENT_NOT_FOUND".into()));
}
