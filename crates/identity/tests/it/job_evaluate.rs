//! The same activities give the same answers, in whatever order and however often they come.

use crate::fixture::{World, activity};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_proto::identity::v1::{
    Activity, ActivityKind, GetMembershipRequest, GetMembershipResponse, GetRfmRequest,
    GetRfmResponse, GetStageRequest, GetStageResponse, ListMembersRequest,
};
use perennial_testkit::Random;

const USERS: [&str; 3] = ["a", "b", "c"];

/// A history of three users over 80 days.
fn history(random: &mut Random, now: DateTime<Utc>) -> Vec<Activity> {
    (0..150)
        .map(|n| {
            let user = USERS[random.below(3)];
            let kind =
                ActivityKind::try_from(1 + i32::try_from(random.below(16)).unwrap()).unwrap();
            let minutes = i64::try_from(random.below(80 * 24 * 60)).unwrap();
            activity(user, kind, now - TimeDelta::minutes(minutes), &n.to_string())
        })
        .collect()
}

/// Tells the activities in random order, some twice, in batches with evaluations in between.
async fn tell(world: &World, random: &mut Random, history: &[Activity]) {
    let mut told = history.to_vec();
    told.extend_from_slice(&history[..history.len() / 3]);
    for n in (1..told.len()).rev() {
        told.swap(n, random.below(n + 1));
    }
    while !told.is_empty() {
        let size = (1 + random.below(40)).min(told.len());
        world.track(told.drain(..size).collect()).await;
        if random.below(2) == 0 {
            world.suite.settle().await;
        }
    }
    world.suite.settle().await;
}

type Answers = Vec<(GetMembershipResponse, GetRfmResponse, GetStageResponse)>;

async fn answers(world: &World) -> (Answers, Vec<Vec<String>>) {
    let mut answers = Vec::new();
    for user in USERS {
        let user_id = user.to_owned();
        let membership = GetMembershipRequest { user_id: user_id.clone() };
        let rfm = GetRfmRequest { user_id: user_id.clone(), ..Default::default() };
        answers.push((
            world.segments().get_membership(membership).await.unwrap().into_inner(),
            world.insights().get_rfm(rfm).await.unwrap().into_inner(),
            world.insights().get_stage(GetStageRequest { user_id }).await.unwrap().into_inner(),
        ));
    }
    let mut stored = Vec::new();
    for segment in ["new", "active", "high_value", "churn_risk"] {
        let request = ListMembersRequest { segment: segment.into(), ..Default::default() };
        let page = world.segments().list_members(request).await.unwrap().into_inner();
        stored.push(page.members.into_iter().map(|member| member.user_id).collect());
    }
    (answers, stored)
}

#[tokio::test]
async fn order_and_repetition_do_not_matter() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let (one, other) = (World::start().await, World::start().await);
        let history = history(&mut random, one.now());
        tell(&one, &mut random, &history).await;
        tell(&other, &mut random, &history).await;
        for _ in 0..3 {
            assert_eq!(answers(&one).await, answers(&other).await, "seed {seed}");
            assert_eq!(one.violations().await, Vec::<String>::new(), "seed {seed}");
            for world in [&one, &other] {
                world.suite.advance(TimeDelta::days(12), TimeDelta::days(4)).await;
            }
        }
    }
}
