//! The work on tickets: states, answers, promises, refusals.

use crate::world::{World, answer, complaint, promise, reason, resolution, said, state};
use chrono::TimeDelta;
use perennial_proto::feedback::v1::{
    AcknowledgeTicketRequest, AssignTicketRequest, AuthorKind, Channel, ClockKind,
    CloseTicketRequest, Promise, PromiseState, RespondToTicketRequest, ResumeTicketRequest,
    SuspendTicketRequest, TicketReopened, TicketResolved, TicketResponded, TicketState, Visibility,
    WaitingOn,
};
use tonic::Code;

#[tokio::test]
async fn only_a_human_ends_the_promise_of_a_human() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(5));
    let ticket = world.respond(&id, AuthorKind::Bot).await;
    assert_eq!(state(&ticket, ClockKind::Respond), PromiseState::Running);
    assert!(world.suite.events_of::<TicketResponded>().await.is_empty());
    world.pass(TimeDelta::minutes(5));
    let note = RespondToTicketRequest {
        visibility: Visibility::Internal.into(),
        ..answer(&id, AuthorKind::Human, WaitingOn::Unspecified)
    };
    let noted = world.tickets.respond_to_ticket(note).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(state(&noted, ClockKind::Respond), PromiseState::Running);
    world.pass(TimeDelta::minutes(5));
    let ticket = world.respond(&id, AuthorKind::Human).await;
    assert_eq!(state(&ticket, ClockKind::Respond), PromiseState::Kept, "at 15 minutes sharp");
    assert_eq!(world.suite.events_of::<TicketResponded>().await.len(), 1);
    let kinds: Vec<_> = ticket.messages.iter().map(|m| (m.author_kind(), m.visibility())).collect();
    assert_eq!(
        kinds,
        [
            (AuthorKind::Bot, Visibility::Public),
            (AuthorKind::Human, Visibility::Internal),
            (AuthorKind::Human, Visibility::Public),
        ]
    );
    assert_eq!(ticket.messages[2].text, "which browser?");
    world.assert_sound().await;
}

#[tokio::test]
async fn a_late_answer_ends_a_broken_promise_even_if_no_job_ran() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(16));
    assert_eq!(state(&world.ticket(&id).await, ClockKind::Respond), PromiseState::Breached);
    let ticket = world.respond(&id, AuthorKind::Human).await;
    let respond = promise(&ticket.promises, ClockKind::Respond);
    assert_eq!(respond.state(), PromiseState::Breached);
    assert!(respond.fulfil_time.is_some());
    world.assert_sound().await;
}

#[tokio::test]
async fn waiting_for_the_customer_is_not_counted() {
    let mut world = World::start().await;
    let id = world.submit(complaint("li", Channel::Form)).await.ticket_id;
    world.pass(TimeDelta::hours(1));
    let ask = answer(&id, AuthorKind::Human, WaitingOn::User);
    world.tickets.respond_to_ticket(ask).await.unwrap();
    world.pass(TimeDelta::hours(40));
    let waiting = world.ticket(&id).await;
    assert_eq!(waiting.state(), TicketState::PendingUser);
    assert_eq!(state(&waiting, ClockKind::Resolve), PromiseState::Paused);
    let open = world.reply(&id, "Chrome").await;
    assert_eq!(open.state(), TicketState::Open);
    world.pass(TimeDelta::hours(23));
    let solved = world.resolve(&id).await;
    assert_eq!(state(&solved, ClockKind::Resolve), PromiseState::Kept, "24 h of ours, 64 in all");
    world.assert_sound().await;
}

#[tokio::test]
async fn a_solved_ticket_opens_again_and_a_closed_one_is_followed_up() {
    let mut world = World::start().await;
    let id = world.submit(complaint("li", Channel::Chat)).await.ticket_id;
    assert_eq!(world.resolve(&id).await.state(), TicketState::Solved);
    world.pass(TimeDelta::days(1));
    let again = world.reply(&id, "it happens again").await;
    assert_eq!((again.state(), again.reopen_count), (TicketState::Open, 1));
    let second = again.promises.iter().filter(|p| p.clock() == ClockKind::Resolve);
    let second: Vec<_> = second.map(Promise::state).collect();
    assert_eq!(second, [PromiseState::Kept, PromiseState::Running]);
    assert_eq!(world.suite.events_of::<TicketReopened>().await.len(), 1);
    world.resolve(&id).await;
    assert_eq!(world.suite.events_of::<TicketResolved>().await.len(), 2);
    let close = CloseTicketRequest { ticket_id: id.clone(), request_id: String::new() };
    world.tickets.close_ticket(close).await.unwrap();
    let follow_up = world.reply(&id, "and again").await;
    assert_ne!(follow_up.ticket_id, id);
    assert_eq!(follow_up.follow_up_of_ticket_id, id);
    assert_eq!((follow_up.state(), follow_up.category), (TicketState::New, again.category));
    let refused = world.tickets.resolve_ticket(resolution(&id, AuthorKind::Human)).await;
    assert_eq!(reason(&refused.unwrap_err()), "TICKET_CLOSED");
    world.assert_sound().await;
}

#[tokio::test]
async fn refuses_what_the_state_does_not_allow() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Chat).await;
    let suspend = SuspendTicketRequest {
        ticket_id: id.clone(),
        waiting_on: WaitingOn::ThirdParty.into(),
        request_id: String::new(),
    };
    let refused = world.tickets.suspend_ticket(suspend.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "TICKET_NEW".into()));
    let by_bot = world.tickets.resolve_ticket(resolution(&id, AuthorKind::Bot)).await;
    assert_eq!(reason(&by_bot.unwrap_err()), "ANSWER_OWED");
    let by_customer = world.tickets.resolve_ticket(resolution(&id, AuthorKind::Customer)).await;
    assert_eq!(by_customer.unwrap_err().code(), Code::InvalidArgument);
    let acknowledge = AcknowledgeTicketRequest {
        ticket_id: id.clone(),
        author_kind: AuthorKind::Human.into(),
        ..AcknowledgeTicketRequest::default()
    };
    let seen = world.tickets.acknowledge_ticket(acknowledge.clone()).await.unwrap().into_inner();
    assert_eq!(seen.ticket.unwrap().state(), TicketState::Open);
    let twice = world.tickets.acknowledge_ticket(acknowledge).await.unwrap_err();
    assert_eq!(reason(&twice), "TICKET_NOT_NEW");
    let held = world.tickets.suspend_ticket(suspend).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(held.state(), TicketState::OnHold);
    let resume = ResumeTicketRequest { ticket_id: id.clone(), request_id: String::new() };
    world.tickets.resume_ticket(resume.clone()).await.unwrap();
    let refused = world.tickets.resume_ticket(resume).await.unwrap_err();
    assert_eq!(reason(&refused), "TICKET_NOT_WAITING");
    let nowhere = "tkt_00000000000000000000000000000000";
    let unknown = world.tickets.resolve_ticket(resolution(nowhere, AuthorKind::Human)).await;
    assert_eq!(reason(&unknown.unwrap_err()), "TICKET_NOT_FOUND");
    let other_kind =
        world.tickets.resolve_ticket(resolution(&nowhere.replace("tkt", "fbk"), AuthorKind::Human));
    assert_eq!(other_kind.await.unwrap_err().code(), Code::InvalidArgument);
    world.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_action_is_taken_once() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Chat).await;
    let request = RespondToTicketRequest {
        request_id: "answer-1".to_owned(),
        ..answer(&id, AuthorKind::Human, WaitingOn::Unspecified)
    };
    let first = world.tickets.respond_to_ticket(request.clone()).await.unwrap().into_inner();
    let again = world.tickets.respond_to_ticket(request).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.message_id, again.message_id);
    assert_eq!(again.ticket.unwrap().messages.len(), 1);
    let assign = AssignTicketRequest {
        ticket_id: id.clone(),
        assignee: "team-a".to_owned(),
        request_id: "assign-1".to_owned(),
    };
    world.tickets.assign_ticket(assign).await.unwrap();
    assert_eq!(world.ticket(&id).await.assignee, "team-a");
    world.assert_sound().await;
}

#[tokio::test]
async fn concurrent_answers_all_count_and_none_twice() {
    let mut world = World::start().await;
    let id = world.submit(said("li", Channel::Form)).await.ticket_id;
    let calls = (0..20).map(|n| {
        let mut client = world.tickets.clone();
        let request = RespondToTicketRequest {
            request_id: format!("answer-{n}"),
            ..answer(&id, AuthorKind::Human, WaitingOn::Unspecified)
        };
        async move {
            // One ticket takes one change at a time; a caller that waits for a connection for
            // too long is told to come again, and does so under the same request id.
            while let Err(status) = client.respond_to_ticket(request.clone()).await {
                assert_eq!(status.code(), Code::Unavailable);
            }
        }
    });
    futures::future::join_all(calls).await;
    assert_eq!(world.ticket(&id).await.messages.len(), 20);
    world.assert_sound().await;
}
