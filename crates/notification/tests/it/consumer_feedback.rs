//! What feedback tells: received, solved, and complaints that tighten the caps (AC-1).

use crate::world::{World, assert_state, care};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::feedback::v1::{
    Category, Channel, FeedbackReceived, TicketAcknowledged, TicketReopened, TicketResolved,
};
use perennial_proto::identity::v1::Profile;
use perennial_proto::notification::v1::{
    ExplainNotificationRequest, Gate, ListMessagesRequest, NotificationState as State,
    ScheduleNotificationRequest,
};

/// Feedback on the form, to be answered within 24 hours.
fn received(world: &World, user: &str, category: Category) {
    received_on(world, user, category, Channel::Form, Some(TimeDelta::hours(24)));
}

fn received_on(
    world: &World,
    user: &str,
    category: Category,
    channel: Channel,
    due_in: Option<TimeDelta>,
) {
    let event = FeedbackReceived {
        user_id: user.to_owned(),
        ticket_id: "tkt_1".to_owned(),
        channel: channel.into(),
        category: category.into(),
        due_time: due_in.map(|due_in| time::to_proto(world.now() + due_in)),
        ..Default::default()
    };
    world.suite.log(Peer::Feedback).append(world.now(), user, &event);
}

fn resolved(world: &World, user: &str, category: Category) {
    let event = TicketResolved {
        user_id: user.to_owned(),
        ticket_id: "tkt_1".to_owned(),
        category: category.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Feedback).append(world.now(), user, &event);
}

#[tokio::test]
async fn the_user_is_told_at_once_and_told_what_was_done_even_at_night() {
    let world = World::new().await;
    world.people.add("u1");
    world.suite.clock.advance(TimeDelta::hours(12));
    received(&world, "u1", Category::Bug);
    received(&world, "", Category::Bug);
    world.suite.settle().await;
    assert_state(&world.triggered("u1", "feedback-received").await[0], State::Sent, "");
    world.suite.clock.advance(TimeDelta::minutes(1));
    resolved(&world, "u1", Category::Bug);
    world.suite.settle().await;
    let request = ListMessagesRequest { user_id: "u1".to_owned(), ..Default::default() };
    let page = world.inbox().list_messages(request).await.unwrap().into_inner();
    assert_eq!(page.messages.len(), 2);
    assert!(page.messages[0].body.contains("the fault you reported has been fixed"));
    assert!(page.messages[1].body.contains("within 24 hours"));
    assert!(page.messages[1].body.contains("tkt_1"));
}

#[tokio::test]
async fn the_answer_is_announced_as_it_was_promised_in_the_users_language() {
    let world = World::new().await;
    world.people.add("paying");
    world.people.add("free");
    world.people.put(Profile {
        user_id: "zh".to_owned(),
        locale: "zh-CN".to_owned(),
        ..Profile::default()
    });
    let soon = Some(TimeDelta::minutes(15));
    received_on(&world, "paying", Category::Bug, Channel::Form, soon);
    received_on(&world, "zh", Category::Bug, Channel::Chat, soon);
    received_on(&world, "free", Category::Praise, Channel::Form, None);
    world.suite.settle().await;
    let body = async |user: &str| {
        let request = ListMessagesRequest { user_id: user.to_owned(), ..Default::default() };
        let page = world.inbox().list_messages(request).await.unwrap().into_inner();
        assert_eq!(page.messages.len(), 1, "{user}");
        page.messages[0].body.clone()
    };
    let text = body("paying").await;
    assert!(text.contains("team. You can expect an answer within 15 minutes.\n"), "{text}");
    let text = body("zh").await;
    assert!(text.contains("团队。预计 15 分钟内答复您。\n"), "{text}");
    let text = body("free").await;
    assert!(text.contains("product team.\nReference"), "{text}");
}

#[tokio::test]
async fn nobody_is_told_of_what_they_did_not_say_or_told_twice() {
    let world = World::new().await;
    world.people.add("u1");
    world.people.add("u2");
    received_on(&world, "u1", Category::Other, Channel::Behaviour, None);
    let solved = TicketResolved {
        user_id: "u1".to_owned(),
        ticket_id: "tkt_1".to_owned(),
        channel: Channel::Behaviour.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Feedback).append(world.now(), "u1", &solved);
    received(&world, "u2", Category::Bug);
    let acknowledged =
        TicketAcknowledged { user_id: "u2".to_owned(), ticket_id: "tkt_1".to_owned() };
    world.suite.log(Peer::Feedback).append(world.now(), "u2", &acknowledged);
    world.suite.settle().await;
    for (user, messages) in [("u1", 0), ("u2", 1)] {
        let request = ListMessagesRequest { user_id: user.to_owned(), ..Default::default() };
        let page = world.inbox().list_messages(request).await.unwrap().into_inner();
        assert_eq!(page.messages.len(), messages, "{user}");
    }
}

#[tokio::test]
async fn an_open_complaint_halves_what_may_be_sent_until_it_is_solved() {
    let world = World::new().await;
    world.people.add("u1");
    received(&world, "u1", Category::Complaint);
    world.suite.settle().await;
    let on = |topic: &str| ScheduleNotificationRequest { topic: topic.to_owned(), ..care("u1") };
    let first = world.schedule(on("a")).await;
    world.suite.clock.advance(TimeDelta::seconds(1));
    let second = world.schedule(on("b")).await;
    world.suite.settle().await;
    assert_state(&world.get(&first.notification_id).await, State::Sent, "");
    assert_state(&world.get(&second.notification_id).await, State::Held, "CAP");
    let request =
        ExplainNotificationRequest { notification_id: second.notification_id.clone(), at: None };
    let why = world.messages().explain_notification(request).await.unwrap().into_inner();
    let cap = why.decision.unwrap().gates.pop().unwrap();
    assert_eq!(cap.gate(), Gate::Cap);
    let day = cap.caps.iter().find(|c| c.rule == "all-per-day").unwrap();
    assert_eq!((day.used, day.max, day.tightened), (1, 1, true));

    resolved(&world, "u1", Category::Complaint);
    world.suite.settle().await;
    assert_state(&world.get(&second.notification_id).await, State::Sent, "");

    let reopened = TicketReopened {
        user_id: "u1".to_owned(),
        ticket_id: "tkt_1".to_owned(),
        category: Category::Complaint.into(),
    };
    world.suite.log(Peer::Feedback).append(world.now(), "u1", &reopened);
    world.suite.clock.advance(TimeDelta::days(1));
    world.suite.settle().await;
    let fourth = world.schedule(on("d")).await;
    world.suite.settle().await;
    assert_state(&world.get(&fourth.notification_id).await, State::Held, "CAP");
}
