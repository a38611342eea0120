//! Lists, pages, and the queue.

use crate::world::{World, said};
use chrono::TimeDelta;
use perennial_proto::feedback::v1::{
    AssignTicketRequest, AuthorKind, Category, Channel, ListFeedbackRequest, ListQueueRequest,
    ListTicketsRequest, SubmitFeedbackRequest, TicketState,
};
use tonic::Code;

#[tokio::test]
async fn pages_show_every_row_once_while_new_ones_come_in() {
    let mut world = World::start().await;
    let mut expected = Vec::new();
    for n in 0..7 {
        world.pass(TimeDelta::seconds(1));
        expected.push(world.submit(said(&format!("u{n}"), Channel::Form)).await.feedback_id);
    }
    expected.reverse();
    let mut request = ListFeedbackRequest { page_size: 3, ..ListFeedbackRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.feedback.list_feedback(request.clone()).await.unwrap().into_inner();
        seen.extend(page.feedback.into_iter().map(|feedback| feedback.feedback_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        world.pass(TimeDelta::seconds(1));
        world.open("late", Channel::Form).await;
    }
    assert_eq!(seen, expected);

    let other = ListFeedbackRequest {
        channel: Channel::Chat.into(),
        page_size: 3,
        page_token: request.page_token,
        ..ListFeedbackRequest::default()
    };
    let refused = world.feedback.list_feedback(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "a token belongs to its list");
}

#[tokio::test]
async fn tickets_are_found_by_state_owner_and_overdue_promise() {
    let mut world = World::start().await;
    let late = world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(14));
    let running = world.open("wang", Channel::Chat).await;
    let solved = world.open("wang", Channel::Form).await;
    world.resolve(&solved).await;
    world.pass(TimeDelta::minutes(2));
    let mut found = async |request: ListTicketsRequest| {
        let list = world.tickets.list_tickets(request).await.unwrap().into_inner();
        list.tickets.into_iter().map(|ticket| ticket.ticket_id).collect::<Vec<_>>()
    };
    let all = ListTicketsRequest::default();
    let overdue = ListTicketsRequest { overdue: true, ..all.clone() };
    assert_eq!(found(overdue).await, std::slice::from_ref(&late), "although no job has run");
    let new = ListTicketsRequest { states: vec![TicketState::New.into()], ..all.clone() };
    assert_eq!(found(new).await, [running.clone(), late.clone()]);
    let of_wang = ListTicketsRequest { user_id: "wang".to_owned(), ..all.clone() };
    assert_eq!(found(of_wang).await.len(), 2);
    let complaints = ListTicketsRequest { category: Category::Complaint.into(), ..all.clone() };
    assert!(found(complaints).await.is_empty());
    let by_channel = ListTicketsRequest { channel: Channel::Form.into(), ..all };
    assert_eq!(found(by_channel).await, [solved]);
}

#[tokio::test]
async fn the_queue_serves_paying_customers_first_and_then_the_least_time_left() {
    let mut world = World::start().await;
    let form = world.open("a", Channel::Form).await;
    let community = world.open("b", Channel::Community).await;
    world.pass(TimeDelta::minutes(110));
    let chat = world.open("c", Channel::Chat).await;
    let paying = SubmitFeedbackRequest { paying: Some(true), ..said("d", Channel::Form) };
    let paying = world.submit(paying).await.ticket_id;
    world.pass(TimeDelta::minutes(3));
    let answered = world.open("e", Channel::Chat).await;
    world.respond(&answered, AuthorKind::Human).await;
    let behaviour = world.open("f", Channel::Behaviour).await;

    let queue = world.tickets.list_queue(ListQueueRequest::default()).await.unwrap().into_inner();
    let order: Vec<_> = queue.tickets.iter().map(|ticket| ticket.ticket_id.clone()).collect();
    // Used: community 113 of 120 min, chat 3 of 15, form 113 of 1,440.
    assert_eq!(order, [paying, community.clone(), chat, form]);
    assert!(!order.contains(&behaviour) && !order.contains(&answered), "nothing to do for people");

    let assign = AssignTicketRequest {
        ticket_id: community.clone(),
        assignee: "agent-7".to_owned(),
        request_id: String::new(),
    };
    world.tickets.assign_ticket(assign).await.unwrap();
    let mine = ListQueueRequest { assignee: "agent-7".to_owned(), limit: 1 };
    let mine = world.tickets.list_queue(mine).await.unwrap().into_inner().tickets;
    assert_eq!(mine[0].ticket_id, community);
    let two =
        world.tickets.list_queue(ListQueueRequest { limit: 2, ..ListQueueRequest::default() });
    assert_eq!(two.await.unwrap().into_inner().tickets.len(), 2);
}
