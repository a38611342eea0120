//! An erasure against whatever happens to the same user at the same moment: it wins.

use crate::world::{World, assert_state, care};
use chrono::TimeDelta;
use perennial_notification::store::people;
use perennial_platform::events::Peer;
use perennial_proto::feedback::v1::{Category, FeedbackReceived};
use perennial_proto::notification::v1::{
    GetPreferencesRequest, ListNotificationsRequest, NotificationState as State, Preferences,
    SetPreferencesRequest,
};
use sea_orm::ConnectionTrait;
use std::time::Duration;
use tonic::Code;

const USER: &str = "u1";

/// A world in which the user got a message.
async fn world() -> (World, String) {
    let world = World::with(|config| config.dispatch.batch = 1).await;
    world.people.add(USER);
    let message = world.schedule(care(USER)).await;
    world.suite.settle().await;
    (world, message.notification_id)
}

/// Erases the user; `other` begins before that is committed.
async fn while_erasing<T>(world: &World, other: impl Future<Output = T>) -> T {
    let tx = world.db().begin().await.unwrap();
    world.app.erase(&tx, USER, world.now()).await.unwrap();
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tx.commit().await.unwrap();
    };
    futures::join!(other, end).0
}

async fn tamper(world: &World, statement: &str) {
    let tx = world.db().begin().await.unwrap();
    tx.execute_unprepared(statement).await.unwrap();
    tx.commit().await.unwrap();
}

async fn assert_nothing_left(world: &World) {
    let request = ListNotificationsRequest { user_id: USER.to_owned(), ..Default::default() };
    let list = world.messages().list_notifications(request).await.unwrap().into_inner();
    assert!(list.notifications.is_empty(), "{list:#?}");
    let request = GetPreferencesRequest { user_id: USER.to_owned() };
    let left = world.preferences().get_preferences(request).await.unwrap().into_inner();
    let left = left.preferences.unwrap_or_default();
    assert!(left.choices.is_empty() && left.time_zone.is_empty(), "{left:#?}");
    let user = [USER.to_owned()];
    let conn = world.db().read();
    assert!(people::complaining(conn, &user).await.unwrap().is_empty());
    assert_eq!(people::try_lock(conn, &user).await.unwrap(), []);
}

#[tokio::test]
async fn a_message_planned_meanwhile_is_refused() {
    let (world, _) = world().await;
    let mut client = world.messages();
    let refused = while_erasing(&world, client.schedule_notification(care(USER))).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_choice_made_meanwhile_is_refused() {
    let (world, id) = world().await;
    let mut client = world.preferences();
    let preferences = Preferences { time_zone: "Asia/Tokyo".to_owned(), ..Default::default() };
    let set = SetPreferencesRequest {
        user_id: USER.to_owned(),
        preferences: Some(preferences),
        ..Default::default()
    };
    let token = world.app.unsubscribe_token(id.parse().unwrap());
    let both =
        async { futures::join!(client.set_preferences(set), world.app.unsubscribe(&token, None)) };
    let (refused, unsubscribed) = while_erasing(&world, Box::pin(both)).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    unsubscribed.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn activity_and_complaints_told_meanwhile_are_not_kept() {
    let (world, _) = world().await;
    let complaint = FeedbackReceived {
        user_id: USER.to_owned(),
        ticket_id: "tkt_1".to_owned(),
        category: Category::Complaint.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Feedback).append(world.now(), USER, &complaint);
    let activity = async {
        let now = world.now();
        let tx = world.db().begin().await.unwrap();
        world.app.active(&tx, USER, now, false, now).await.unwrap();
        tx.commit().await.unwrap();
    };
    let both = async { futures::join!(activity, world.suite.settle()) };
    while_erasing(&world, Box::pin(both)).await;
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn messages_without_their_recipient_do_not_stop_the_queue() {
    let (world, _) = world().await;
    for user in ["u2", "u3", "u4"] {
        world.people.add(user);
    }
    let left_over = world.schedule(care("u2")).await;
    let unknown = world.schedule(care("u3")).await;
    world.suite.clock.advance(TimeDelta::seconds(1));
    let next = world.schedule(care("u4")).await;
    while_erasing(&world, async {}).await;
    tamper(&world, "UPDATE notifications SET user_id = 'u1' WHERE user_id = 'u2'").await;
    tamper(&world, "DELETE FROM recipients WHERE user_id = 'u3'").await;
    world.suite.settle().await;
    let left_over = world.get(&left_over.notification_id).await;
    assert_state(&left_over, State::Dropped, "USER_ERASED");
    assert_state(&world.get(&unknown.notification_id).await, State::Sent, "");
    assert_state(&world.get(&next.notification_id).await, State::Sent, "");
    tamper(&world, "DELETE FROM notifications WHERE user_id = 'u1'").await;
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_mail_handed_over_meanwhile_is_told_to_be_taken_back() {
    let (world, _) = world().await;
    world.schedule(care(USER)).await;
    let (_, mut claimed) = world.app.claim().await.unwrap();
    let message = claimed.remove(0).message;
    while_erasing(&world, async {}).await;
    let erased = world.app.record(&[(message.clone(), Ok(()))]).await.unwrap();
    assert_eq!(erased, [message]);
    assert_nothing_left(&world).await;
}
