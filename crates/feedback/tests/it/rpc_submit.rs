//! Feedback comes in once, with its ticket and its promises.

use crate::world::{World, allowed, complaint, fields, promise, reason, said};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::feedback::v1::{
    Attachment, AttachmentKind, Category, Channel, ClockKind, Context, FeedbackReceived,
    GetFeedbackRequest, GetTicketRequest, InterviewRequest, ListFeedbackRequest, PromiseState,
    QuickTag, Satisfier, SubmitFeedbackRequest, TicketAcknowledged, TicketState,
};
use tonic::Code;

#[tokio::test]
async fn feedback_keeps_its_context_and_has_a_ticket_at_once() {
    let mut world = World::start().await;
    let context = Context {
        step: "editing row 5 column 3".to_owned(),
        device: "Chrome, Windows 10".to_owned(),
        app_version: "2.2.1".to_owned(),
        page: "/sheet/7".to_owned(),
        locale: "zh-CN".to_owned(),
    };
    let screenshot = Attachment {
        kind: AttachmentKind::Screenshot.into(),
        uri: "s3://feedback/a.png".to_owned(),
        content_type: "image/png".to_owned(),
        size_bytes: 4_096,
    };
    let answer = world
        .submit(SubmitFeedbackRequest {
            context: Some(context.clone()),
            attachments: vec![screenshot.clone()],
            quick_tags: vec![QuickTag::SaveFailed.into(), QuickTag::Slow.into()],
            rating: Some(2),
            source: "app".to_owned(),
            source_event_id: "e-1".to_owned(),
            ..said("li", Channel::Form)
        })
        .await;
    let request = GetFeedbackRequest { feedback_id: answer.feedback_id.clone() };
    let kept = world.feedback.get_feedback(request).await.unwrap().into_inner().feedback.unwrap();
    assert_eq!(kept.text, said("li", Channel::Form).text);
    assert_eq!(kept.category(), Category::Bug, "the first quick tag tells it");
    assert_eq!((kept.rating, kept.erased), (Some(2), false));
    assert_eq!(kept.ticket_id, answer.ticket_id);
    assert_eq!((kept.context, kept.attachments), (Some(context), vec![screenshot]));

    let ticket = world.ticket(&answer.ticket_id).await;
    assert_eq!((ticket.state(), ticket.feedback_id), (TicketState::New, answer.feedback_id));
    assert_eq!(ticket.assignee, "product-development");
    let request = GetTicketRequest { ticket_id: answer.ticket_id };
    let whole = world.tickets.get_ticket(request).await.unwrap().into_inner();
    assert_eq!(whole.feedback.unwrap().text, said("li", Channel::Form).text);
    world.assert_sound().await;
}

#[tokio::test]
async fn each_channel_makes_its_own_promises() {
    let mut world = World::start().await;
    let form = world.submit(said("u1", Channel::Form)).await.promises;
    assert_eq!(promise(&form, ClockKind::Acknowledge).state(), PromiseState::Kept);
    assert_eq!(allowed(promise(&form, ClockKind::Acknowledge)), 24 * 3_600);
    assert_eq!(allowed(promise(&form, ClockKind::Respond)), 24 * 3_600);

    let chat = world.submit(said("u1", Channel::Chat)).await.promises;
    let respond = promise(&chat, ClockKind::Respond);
    assert_eq!((allowed(respond), respond.satisfier()), (15 * 60, Satisfier::Human));

    let community = world.submit(said("u1", Channel::Community)).await.promises;
    let respond = promise(&community, ClockKind::Respond);
    assert_eq!((allowed(respond), respond.satisfier()), (2 * 3_600, Satisfier::Official));

    // Monday 17:00 in Shanghai: the report on this week is due next Monday at 09:00.
    let behaviour = world.submit(said("u1", Channel::Behaviour)).await.promises;
    assert_eq!(allowed(promise(&behaviour, ClockKind::Report)), (7 * 24 - 8) * 3_600);

    let complaint = world.submit(complaint("u1", Channel::Community)).await.promises;
    assert_eq!(allowed(promise(&complaint, ClockKind::Resolve)), 24 * 3_600);

    for channel in [Channel::Form, Channel::Chat, Channel::Community] {
        let request = SubmitFeedbackRequest { paying: Some(true), ..said("u2", channel) };
        let paying = world.submit(request).await.promises;
        let respond = promise(&paying, ClockKind::Respond);
        assert_eq!((allowed(respond), respond.satisfier()), (15 * 60, Satisfier::Human));
    }
    let received: Vec<FeedbackReceived> = world.suite.events_of().await;
    assert_eq!(received.len(), 8);
    assert_eq!(received[0].due_time, promise(&form, ClockKind::Respond).due_time);
    let acknowledged: Vec<TicketAcknowledged> = world.suite.events_of().await;
    assert_eq!(acknowledged.len(), 2, "the two forms, automatically");
}

#[tokio::test]
async fn a_retry_never_makes_two() {
    let mut world = World::start().await;
    let request = SubmitFeedbackRequest {
        request_id: "r-1".to_owned(),
        source: "app".to_owned(),
        source_event_id: "e-1".to_owned(),
        ..said("li", Channel::Chat)
    };
    let first = world.submit(request.clone()).await;
    assert!(!first.replayed);
    world.pass(TimeDelta::hours(1));
    let again = world.submit(request.clone()).await;
    assert!(again.replayed);
    assert_eq!((&again.ticket_id, &again.promises), (&first.ticket_id, &first.promises));

    // A fresh request id for the same event of the caller's system.
    let fresh = SubmitFeedbackRequest { request_id: "r-2".to_owned(), ..request.clone() };
    let duplicate = world.submit(fresh).await;
    assert!(duplicate.replayed);
    assert_eq!((&duplicate.ticket_id, &duplicate.promises), (&first.ticket_id, &first.promises));

    let other_text = SubmitFeedbackRequest { text: "else".to_owned(), ..request.clone() };
    let refused = world.feedback.submit_feedback(other_text).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::AlreadyExists, "REQUEST_ID_REUSED".into())
    );
    let other_user =
        SubmitFeedbackRequest { user_id: "wang".to_owned(), request_id: String::new(), ..request };
    let refused = world.feedback.submit_feedback(other_user).await.unwrap_err();
    assert_eq!(reason(&refused), "SOURCE_EVENT_TAKEN");
    let all = world.feedback.list_feedback(ListFeedbackRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().feedback.len(), 1);
    assert_eq!(world.suite.events_of::<FeedbackReceived>().await.len(), 1);
    world.assert_sound().await;
}

#[tokio::test]
async fn many_at_once_with_twins_among_them_come_in_once_each() {
    let world = World::start().await;
    let calls = (0..300).map(|n| {
        let mut client = world.feedback.clone();
        let request = SubmitFeedbackRequest {
            source: "load".to_owned(),
            source_event_id: format!("e-{}", n % 100),
            ..said(&format!("user-{}", n % 10), Channel::Form)
        };
        async move { client.submit_feedback(request).await.unwrap().into_inner() }
    });
    let answers = futures::future::join_all(calls).await;
    let tickets: std::collections::HashSet<_> = answers.iter().map(|a| &a.ticket_id).collect();
    assert_eq!(tickets.len(), 100);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 100);
    world.assert_sound().await;
}

#[tokio::test]
async fn an_interview_is_booked_three_days_ahead_for_an_hour() {
    let mut world = World::start().await;
    let at = |world: &World, lead| InterviewRequest {
        start_time: Some(time::to_proto(world.suite.clock.now() + lead)),
        duration: None,
    };
    let request = |interview| SubmitFeedbackRequest {
        text: String::new(),
        interview: Some(interview),
        ..said("li", Channel::Interview)
    };
    let soon = at(&world, TimeDelta::hours(72) - TimeDelta::seconds(1));
    let refused = world.feedback.submit_feedback(request(soon)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "INTERVIEW_TOO_SOON".into())
    );
    let mut long = at(&world, TimeDelta::hours(80));
    long.duration = Some(time::duration_to_proto(TimeDelta::minutes(90)));
    let refused = world.feedback.submit_feedback(request(long)).await.unwrap_err();
    assert_eq!(reason(&refused), "INTERVIEW_SLOT");
    let good = at(&world, TimeDelta::hours(72));
    let booked = world.submit(request(good)).await;
    let get = GetFeedbackRequest { feedback_id: booked.feedback_id };
    let kept = world.feedback.get_feedback(get).await.unwrap().into_inner().feedback.unwrap();
    assert_eq!(kept.interview.unwrap().start_time, good.start_time);
}

#[tokio::test]
async fn says_everything_that_is_wrong_and_keeps_nothing() {
    let mut world = World::start().await;
    let refused =
        world.feedback.submit_feedback(SubmitFeedbackRequest::default()).await.unwrap_err();
    assert_eq!(fields(&refused), ["user_id", "channel"]);
    let mixed = SubmitFeedbackRequest {
        text: String::new(),
        source: "crm".to_owned(),
        channel: Channel::Interview.into(),
        ..said("li", Channel::Form)
    };
    let refused = world.feedback.submit_feedback(mixed).await.unwrap_err();
    assert_eq!(fields(&refused), ["text", "source_event_id", "interview"]);
    let stranger = SubmitFeedbackRequest {
        follow_up_of_ticket_id: world.open("wang", Channel::Chat).await,
        ..said("li", Channel::Form)
    };
    let refused = world.feedback.submit_feedback(stranger).await.unwrap_err();
    assert_eq!(reason(&refused), "TICKET_NOT_FOUND");
    let request =
        ListFeedbackRequest { user_id: "li".to_owned(), ..ListFeedbackRequest::default() };
    let list = world.feedback.list_feedback(request).await.unwrap().into_inner();
    assert!(list.feedback.is_empty());
}
