//! Who pays and who was erased, from identity's log.

use crate::world::{World, allowed, complaint, promise, said};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::feedback::v1::{
    AuthorKind, Channel, ClockKind, GetFeedbackRequest, Satisfier, SubmitFeedbackRequest,
    TicketBreached, TicketState,
};
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserErased, UserRegistered};
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinSet;
use tonic::Code;

fn happened(world: &World, user: &str, kind: ActivityKind) {
    let now = world.suite.clock.now();
    let payload = ActivityRecorded {
        user_id: user.to_owned(),
        kind: kind.into(),
        occur_time: Some(time::to_proto(now)),
        ..ActivityRecorded::default()
    };
    world.suite.log(Peer::Identity).append(now, user, &payload);
}

#[tokio::test]
async fn a_first_purchase_tightens_open_promises_from_their_start() {
    let mut world = World::start().await;
    let open = world.open("li", Channel::Form).await;
    let fixed = SubmitFeedbackRequest { paying: Some(false), ..said("li", Channel::Form) };
    let fixed = world.submit(fixed).await.ticket_id;
    world.pass(TimeDelta::minutes(5));
    happened(&world, "li", ActivityKind::Login);
    world.suite.settle().await;
    assert!(!world.ticket(&open).await.paying);
    happened(&world, "li", ActivityKind::Purchase);
    happened(&world, "li", ActivityKind::Purchase);
    world.suite.settle().await;

    let ticket = world.ticket(&open).await;
    let respond = promise(&ticket.promises, ClockKind::Respond);
    assert!(ticket.paying);
    assert_eq!((allowed(respond), respond.satisfier()), (15 * 60, Satisfier::Human));
    assert!(!world.ticket(&fixed).await.paying, "what the sender said counts more");
    let next = world.submit(said("li", Channel::Community)).await;
    assert_eq!(allowed(promise(&next.promises, ClockKind::Respond)), 15 * 60);
    world.assert_sound().await;
}

#[tokio::test]
async fn a_purchase_after_the_tighter_time_tells_the_breach_with_its_due_time() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Form).await;
    world.pass(TimeDelta::hours(3));
    happened(&world, "li", ActivityKind::Purchase);
    world.suite.settle().await;
    world.suite.settle().await;
    let breached: Vec<TicketBreached> = world.suite.events_of().await;
    assert_eq!(breached.len(), 1);
    let ticket = world.ticket(&id).await;
    assert_eq!(breached[0].due_time, promise(&ticket.promises, ClockKind::Respond).due_time);
    world.assert_sound().await;
}

#[tokio::test]
async fn erasure_destroys_the_words_and_ends_the_tickets() {
    let mut world = World::start().await;
    let answer = world.submit(complaint("li", Channel::Chat)).await;
    world.respond(&answer.ticket_id, AuthorKind::Human).await;
    let other = world.submit(said("wang", Channel::Chat)).await;
    assert!(!kept_in_the_open(&world).await, "sealed from the first moment");

    let now = world.suite.clock.now();
    let erased = UserErased { user_id: "li".to_owned() };
    world.suite.log(Peer::Identity).append(now, "li", &erased);
    world.suite.settle().await;

    let get = GetFeedbackRequest { feedback_id: answer.feedback_id };
    let kept = world.feedback.get_feedback(get).await.unwrap().into_inner().feedback.unwrap();
    assert!(kept.erased && kept.text.is_empty() && kept.attachments.is_empty());
    let ticket = world.ticket(&answer.ticket_id).await;
    assert_eq!(ticket.state(), TicketState::Closed);
    assert!(ticket.messages.iter().all(|message| message.text.is_empty()));
    world.pass(TimeDelta::days(2));
    world.suite.settle().await;
    let breached: Vec<TicketBreached> = world.suite.events_of().await;
    assert!(breached.iter().all(|event| event.user_id == "wang"), "nobody is owed anything");

    let get = GetFeedbackRequest { feedback_id: other.feedback_id };
    let kept = world.feedback.get_feedback(get).await.unwrap().into_inner().feedback.unwrap();
    assert_eq!(kept.text, said("wang", Channel::Chat).text, "others keep theirs");
    world.assert_sound().await;
}

#[tokio::test]
async fn the_erased_are_not_heard_until_they_register_again_as_anybody() {
    let mut world = World::start().await;
    happened(&world, "li", ActivityKind::Purchase);
    world.suite.settle().await;
    let before = SubmitFeedbackRequest { request_id: "r1".to_owned(), ..said("li", Channel::Form) };
    let first = world.submit(before.clone()).await;
    let log = world.suite.log(Peer::Identity);
    let now = world.suite.clock.now();
    log.append(now, "li", &UserErased { user_id: "li".to_owned() });
    world.suite.settle().await;

    let late = world.feedback.submit_feedback(said("li", Channel::Form)).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert!(late.message().contains("erased"), "{late:?}");
    let again = world.submit(before).await;
    assert!(again.replayed && again.ticket_id == first.ticket_id, "an answer given stays given");
    world.open("wang", Channel::Form).await;

    let registered = UserRegistered { user_id: "li".to_owned(), register_time: None };
    world.suite.log(Peer::Identity).append(now, "li", &registered);
    world.suite.settle().await;
    let back = world.submit(said("li", Channel::Form)).await;
    let respond = promise(&back.promises, ClockKind::Respond);
    assert_eq!(allowed(respond), 24 * 3600, "what they paid is forgotten");
    world.assert_sound().await;
}

#[tokio::test]
async fn everything_filed_under_one_name_is_changed_a_page_at_a_time() {
    let world = World::start().await;
    // More than one page of open tickets.
    for _ in 0..6 {
        let mut calls = JoinSet::new();
        for _ in 0..100 {
            let mut client = world.feedback.clone();
            calls.spawn(async move { client.submit_feedback(said("app", Channel::Form)).await });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    }
    happened(&world, "app", ActivityKind::Purchase);
    world.suite.settle().await;
    assert_eq!(tickets_that(&world, "paying AND closed_at IS NULL").await, 600);

    let now = world.suite.clock.now();
    let erased = UserErased { user_id: "app".to_owned() };
    world.suite.log(Peer::Identity).append(now, "app", &erased);
    world.suite.settle().await;
    assert_eq!(tickets_that(&world, "closed_at IS NOT NULL").await, 600);
    assert!(world.suite.events_of::<TicketBreached>().await.is_empty());
    world.assert_sound().await;
}

/// How many rows of `tickets` a condition holds for.
async fn tickets_that(world: &World, condition: &str) -> usize {
    let db = world.database().await;
    let backend = db.read().get_database_backend();
    let sql = format!("SELECT id FROM tickets WHERE {condition}");
    let rows = db.read().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    db.close().await;
    rows.len()
}

/// Whether a text of the test can be read in the tables.
async fn kept_in_the_open(world: &World) -> bool {
    let db = world.database().await;
    let mut found = false;
    for sql in ["SELECT words AS sealed FROM feedback", "SELECT body AS sealed FROM messages"] {
        let backend = db.read().get_database_backend();
        for row in db.read().query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
            let sealed: Vec<u8> = row.try_get("", "sealed").unwrap();
            found |= sealed.windows(4).any(|part| part == b"save" || part == b"brow");
        }
    }
    db.close().await;
    found
}
