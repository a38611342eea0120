//! What identity tells: purchases, activity, risk, erasure.

use crate::world::{World, assert_state, care, care_on};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::{
    ActivityKind, ActivityRecorded, Profile, ProfileUpdated, RiskGrade, RiskGradeChanged,
    RiskSignal, UserErased, UserRegistered,
};
use perennial_proto::notification::v1::{
    DeliveryChannel, GetPreferencesRequest, ListMessagesRequest, NotificationState as State,
    SetPreferencesRequest,
};
use tonic::Code;

fn activity(world: &World, user: &str, kind: ActivityKind, at: DateTime<Utc>) {
    let event = ActivityRecorded {
        user_id: user.to_owned(),
        kind: kind.into(),
        occur_time: Some(time::to_proto(at)),
        ..Default::default()
    };
    world.suite.log(Peer::Identity).append(world.now(), user, &event);
}

/// A grade that changed for a user who is silent.
fn risk(world: &World, user: &str, from: RiskGrade, to: RiskGrade) {
    risk_by(world, user, (from, to), &[RiskSignal::Inactive]);
}

fn risk_by(world: &World, user: &str, (from, to): (RiskGrade, RiskGrade), signals: &[RiskSignal]) {
    let event = RiskGradeChanged {
        user_id: user.to_owned(),
        from: from.into(),
        to: to.into(),
        signals: signals.iter().map(|signal| i32::from(*signal)).collect(),
    };
    world.suite.log(Peer::Identity).append(world.now(), user, &event);
}

#[tokio::test]
async fn the_first_purchase_is_welcomed_after_a_day_and_called_back_after_three() {
    let world = World::new().await;
    world.people.add("u1");
    let bought = world.now();
    activity(&world, "u1", ActivityKind::Purchase, bought);
    world.suite.settle().await;
    for (trigger, hours) in [("welcome", 24), ("first-use-call", 72)] {
        let planned = world.triggered("u1", trigger).await;
        assert_eq!(planned.len(), 1);
        let at = time::from_proto("", &planned[0].send_time.unwrap()).unwrap();
        assert_eq!(at - bought, TimeDelta::hours(hours));
    }
    activity(&world, "u1", ActivityKind::Purchase, world.now() + TimeDelta::hours(1));
    world.suite.advance(TimeDelta::days(4), TimeDelta::hours(6)).await;
    let welcome = world.triggered("u1", "welcome").await;
    assert_eq!(welcome.len(), 1, "only the first");
    assert_state(&welcome[0], State::Sent, "");
    assert_state(&world.triggered("u1", "first-use-call").await[0], State::Sent, "");
}

#[tokio::test]
async fn a_silence_is_reminded_once_and_activity_cancels_it() {
    let world = World::new().await;
    world.people.add("u1");
    let start = world.now();
    activity(&world, "u1", ActivityKind::Login, start);
    activity(&world, "u1", ActivityKind::Touch, start + TimeDelta::days(1));
    world.suite.advance(TimeDelta::hours(71), TimeDelta::hours(6)).await;
    assert!(world.triggered("u1", "inactivity").await.is_empty());
    world.suite.advance(TimeDelta::days(30), TimeDelta::hours(6)).await;
    let reminders = world.triggered("u1", "inactivity").await;
    assert_eq!(reminders.len(), 1, "once per silence, however long");
    assert_state(&reminders[0], State::Sent, "");

    // A late event about the time before changes nothing; a new activity starts a new silence.
    activity(&world, "u1", ActivityKind::Session, start - TimeDelta::days(1));
    let back = world.now();
    activity(&world, "u1", ActivityKind::Session, back);
    world.suite.settle().await;
    // Three days later it is night: the reminder is held, and then the user is there.
    world.suite.clock.set(back + TimeDelta::days(3) + TimeDelta::hours(12));
    world.suite.settle().await;
    let second = world.triggered("u1", "inactivity").await.remove(1);
    assert_state(&second, State::Held, "QUIET_HOURS");
    activity(&world, "u1", ActivityKind::Login, world.now());
    world.suite.settle().await;
    let second = world.get(&second.notification_id).await;
    assert_state(&second, State::Cancelled, "ACTIVE_AGAIN");
}

#[tokio::test]
async fn a_move_to_another_zone_is_noticed_while_the_night_holds() {
    let world = World::new().await;
    world.people.add("u1");
    world.suite.clock.advance(TimeDelta::hours(12));
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    assert_state(&world.get(&message.notification_id).await, State::Held, "QUIET_HOURS");
    world.people.put(Profile {
        user_id: "u1".to_owned(),
        email: "u1@example.org".to_owned(),
        time_zone: "America/New_York".to_owned(),
        ..Default::default()
    });
    let moved = ProfileUpdated {
        user_id: "u1".to_owned(),
        fields: vec!["email".to_owned(), "time_zone".to_owned()],
    };
    world.suite.log(Peer::Identity).append(world.now(), "u1", &moved);
    world.suite.settle().await;
    assert_state(&world.get(&message.notification_id).await, State::Sent, "");
}

#[tokio::test]
async fn an_old_log_does_not_nag() {
    let world = World::new().await;
    world.people.add("u1");
    activity(&world, "u1", ActivityKind::Purchase, world.now() - TimeDelta::days(300));
    world.suite.settle().await;
    for trigger in ["welcome", "first-use-call", "inactivity"] {
        assert_state(&world.triggered("u1", trigger).await[0], State::Dropped, "EXPIRED");
    }
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn each_grade_of_risk_has_its_message_and_takes_the_place_of_the_one_before() {
    let world = World::new().await;
    world.people.add("u1");
    risk(&world, "u1", RiskGrade::None, RiskGrade::Light);
    world.suite.settle().await;
    assert_state(&world.triggered("u1", "care").await[0], State::Sent, "");
    world.suite.clock.advance(TimeDelta::hours(12));
    risk(&world, "u1", RiskGrade::Light, RiskGrade::Medium);
    world.suite.settle().await;
    assert_state(&world.triggered("u1", "win-back-offer").await[0], State::Held, "QUIET_HOURS");
    risk(&world, "u1", RiskGrade::Medium, RiskGrade::Severe);
    world.suite.settle().await;
    let offer = &world.triggered("u1", "win-back-offer").await[0];
    assert_state(offer, State::Cancelled, "SUPERSEDED");
    world.advance(TimeDelta::hours(12)).await;
    assert_state(&world.triggered("u1", "win-back-interview").await[0], State::Sent, "");
    risk(&world, "u1", RiskGrade::Severe, RiskGrade::Light);
    world.suite.settle().await;
    assert_eq!(world.triggered("u1", "care").await.len(), 1, "easing is no reason to write");
}

#[tokio::test]
async fn only_those_who_drift_away_are_wooed() {
    let world = World::new().await;
    let rise = (RiskGrade::None, RiskGrade::Light);
    let upset = [RiskSignal::ComplaintOpen, RiskSignal::NegativeReview];
    for user in ["upset", "less", "both"] {
        world.people.add(user);
    }
    risk_by(&world, "upset", rise, &upset);
    risk_by(&world, "less", rise, &[RiskSignal::UseDown]);
    risk_by(&world, "both", rise, &[RiskSignal::ComplaintOpen, RiskSignal::Inactive]);
    world.suite.settle().await;
    assert!(world.triggered("upset", "care").await.is_empty(), "complaints have their messages");
    assert_eq!(world.triggered("less", "care").await.len(), 1);
    assert_eq!(world.triggered("both", "care").await.len(), 1);

    risk_by(&world, "upset", (RiskGrade::Light, RiskGrade::Severe), &[RiskSignal::Inactive]);
    world.suite.settle().await;
    assert_eq!(world.triggered("upset", "win-back-interview").await.len(), 1);
}

#[tokio::test]
async fn erasure_drops_everything_and_late_events_change_nothing() {
    let world = World::new().await;
    world.people.add("u1");
    world.schedule(care("u1")).await;
    world.schedule(care_on("u1", DeliveryChannel::Inbox)).await;
    activity(&world, "u1", ActivityKind::Purchase, world.now());
    let set = SetPreferencesRequest {
        user_id: "u1".to_owned(),
        preferences: Some(perennial_proto::notification::v1::Preferences {
            time_zone: "Asia/Tokyo".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.preferences().set_preferences(set.clone()).await.unwrap();
    world.suite.settle().await;
    assert_eq!(world.mails().len(), 1);

    world.people.remove("u1");
    let erased = UserErased { user_id: "u1".to_owned() };
    world.suite.log(Peer::Identity).append(world.now(), "u1", &erased);
    activity(&world, "u1", ActivityKind::Login, world.now() + TimeDelta::seconds(1));
    risk(&world, "u1", RiskGrade::None, RiskGrade::Severe);
    world.suite.advance(TimeDelta::days(5), TimeDelta::hours(6)).await;
    assert!(world.mails().is_empty(), "the file is gone too");
    for trigger in ["", "welcome", "inactivity", "win-back-interview"] {
        assert!(world.triggered("u1", trigger).await.is_empty(), "{trigger}");
    }
    let inbox = ListMessagesRequest { user_id: "u1".to_owned(), ..Default::default() };
    assert!(world.inbox().list_messages(inbox).await.unwrap().into_inner().messages.is_empty());
    let get = GetPreferencesRequest { user_id: "u1".to_owned() };
    let left = world.preferences().get_preferences(get).await.unwrap().into_inner();
    assert_eq!(left.preferences.unwrap().time_zone, "");
    let error = world.messages().schedule_notification(care("u1")).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(world.preferences().set_preferences(set).await.is_err());

    let registered = UserRegistered { user_id: "u1".to_owned(), register_time: None };
    world.suite.log(Peer::Identity).append(world.now(), "u1", &registered);
    world.people.add("u1");
    world.suite.settle().await;
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    assert_state(&world.get(&message.notification_id).await, State::Sent, "");
}
