//! What a crash between claim, hand-over and record leaves behind, and two replicas at once.

use crate::world::{World, assert_state, care, care_on};
use chrono::TimeDelta;
use perennial_notification::app::{Plan, Refused};
use perennial_notification::domain::kinds::{Channel, Class};
use perennial_notification::domain::notification::OnUnknown;
use perennial_platform::Code;
use perennial_proto::notification::v1::{
    DeliveryChannel, NotificationState as State, ScheduleResult,
};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_lost_claim_is_unknown_and_then_sent_under_the_same_id() {
    let world = World::new().await;
    world.people.add("u1");
    let message = world.schedule(care("u1")).await;
    // Claimed, perhaps handed over, and then the process is gone.
    let (looked_at, handovers) = world.app.claim().await.unwrap();
    assert_eq!((looked_at, handovers.len()), (1, 1));
    drop(handovers);
    world.suite.settle().await;
    assert_state(&world.get(&message.notification_id).await, State::Claimed, "");
    world.advance(TimeDelta::seconds(600)).await;
    let unknown = world.get(&message.notification_id).await;
    assert_state(&unknown, State::Unknown, "");
    assert_eq!(world.check().await, Vec::<String>::new());
    world.advance(TimeDelta::seconds(6)).await;
    let sent = world.get(&message.notification_id).await;
    assert_state(&sent, State::Sent, "");
    assert_eq!(sent.attempts, 2);
    assert_eq!(world.mails().len(), 1, "the same file");
}

#[tokio::test]
async fn at_most_once_sets_an_unknown_outcome_aside() {
    let world = World::with(|config| config.on_unknown = OnUnknown::GiveUp).await;
    world.people.add("u1");
    let message = world.schedule(care("u1")).await;
    drop(world.app.claim().await.unwrap());
    world.advance(TimeDelta::seconds(600)).await;
    assert_state(&world.get(&message.notification_id).await, State::Dead, "OUTCOME_UNKNOWN");
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn a_record_after_the_lease_changes_nothing() {
    let world = World::new().await;
    world.people.add("u1");
    let message = world.schedule(care("u1")).await;
    let (_, mut stopped) = world.app.claim().await.unwrap();
    world.advance(TimeDelta::seconds(600)).await;
    world.advance(TimeDelta::seconds(6)).await;
    let late = stopped.remove(0).message;
    let setback = perennial_notification::domain::retry::Setback::Never;
    let refused = Refused { error: "late".to_owned(), setback };
    assert_eq!(world.app.record(&[(late, Err(refused))]).await.unwrap(), []);
    assert_state(&world.get(&message.notification_id).await, State::Sent, "");
}

#[tokio::test]
async fn replicas_that_claim_at_once_never_exceed_a_cap_nor_share_a_message() {
    let world = World::new().await;
    for n in 0..20 {
        let user = format!("u{n}");
        world.people.add(&user);
        for _ in 0..4 {
            world.schedule(care_on(&user, DeliveryChannel::Email)).await;
        }
    }
    let mut claimed = std::collections::HashMap::new();
    for _ in 0..10 {
        let replicas = (0..4).map(|_| world.app.claim());
        for result in futures::future::join_all(replicas).await {
            for handover in result.unwrap().1 {
                *claimed.entry(handover.message.id).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(claimed.len(), 40, "two a day for each of twenty");
    assert!(claimed.values().all(|n| *n == 1));
    assert_eq!(world.check().await, Vec::<String>::new());
}

/// As the committer and the consumers do it: a plan that loses against another replica is tried
/// again.
async fn planned(world: &World, plan: Plan) -> ScheduleResult {
    loop {
        let tx = world.db().begin().await.unwrap();
        let outcome = world.app.plan(&tx, world.now(), std::slice::from_ref(&plan)).await;
        match outcome {
            Ok(mut answers) => {
                tx.commit().await.unwrap();
                return answers.remove(0).unwrap();
            }
            Err(error) => assert_eq!(error.code(), Code::Aborted, "{error}"),
        }
    }
}

#[tokio::test]
async fn replicas_that_plan_the_same_key_at_once_plan_one_message() {
    let world = World::new().await;
    for round in 0..10 {
        let plan = Plan {
            user_id: "u1".to_owned(),
            template: "care".to_owned(),
            topic: "care".to_owned(),
            channels: vec![Channel::Email, Channel::Inbox],
            class: Class::Marketing,
            send_at: world.now(),
            expire_at: None,
            variables: BTreeMap::new(),
            dedupe_key: format!("order-{round}"),
            trigger: String::new(),
        };
        let replicas = (0..4).map(|_| planned(&world, plan.clone()));
        let results = futures::future::join_all(replicas).await;
        let first = results.iter().filter(|result| !result.deduplicated).count();
        assert_eq!(first, 1);
        assert!(results.iter().all(|r| r.notification_ids == results[0].notification_ids));
    }
    assert_eq!(world.check().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_check_finds_what_was_tampered_with() {
    use sea_orm::ConnectionTrait;
    let world = World::new().await;
    world.people.add("u1");
    world.schedule(care("u1")).await;
    world.schedule(care("stranger")).await;
    world.suite.settle().await;
    assert_eq!(world.check().await, Vec::<String>::new());
    let tx = world.db().begin().await.unwrap();
    let tamper = "UPDATE notifications SET slot_at = send_at, due_at = send_at WHERE state = 8";
    tx.execute_unprepared(tamper).await.unwrap();
    tx.commit().await.unwrap();
    world.suite.clock.advance(TimeDelta::hours(2));
    let findings = world.check().await;
    assert_eq!(findings.len(), 3, "{findings:#?}");
    for part in ["cap slot", "overdue", "next time"] {
        assert!(findings.iter().any(|finding| finding.contains(part)), "{findings:#?}");
    }
}
