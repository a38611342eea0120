//! What loyalty tells: tiers and points about to expire.

use crate::world::{World, assert_state};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::loyalty::v1::{PointsExpiring, Tier, TierChanged};
use perennial_proto::notification::v1::NotificationState as State;

fn tier(world: &World, from: Tier, to: Tier) {
    let event = TierChanged {
        user_id: "u1".to_owned(),
        from: from.into(),
        to: to.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &event);
}

#[tokio::test]
async fn a_rise_is_congratulated_and_a_fall_is_not() {
    let world = World::new().await;
    world.people.add("u1");
    tier(&world, Tier::Unspecified, Tier::Ordinary);
    tier(&world, Tier::Ordinary, Tier::Gold);
    tier(&world, Tier::Gold, Tier::Silver);
    world.suite.settle().await;
    let told = world.triggered("u1", "tier-up").await;
    assert_eq!(told.len(), 1);
    assert_state(&told[0], State::Sent, "");
    assert!(world.mails()[0].1.contains("Subject: Congratulations: you are a gold member"));
}

#[tokio::test]
async fn points_about_to_expire_are_announced_with_the_day() {
    let world = World::new().await;
    world.people.add("u1");
    let event = PointsExpiring {
        user_id: "u1".to_owned(),
        points: 250,
        expire_time: Some(time::to_proto(world.now() + TimeDelta::days(7))),
        lot_id: "lot".to_owned(),
    };
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &event);
    world.suite.settle().await;
    assert_state(&world.triggered("u1", "points-expiring").await[0], State::Sent, "");
    let (_, mail) = world.mails().remove(0);
    assert!(mail.contains("Subject: 250 points are about to expire"), "{mail}");
    assert!(mail.contains("2026-03-09"), "{mail}");
}
