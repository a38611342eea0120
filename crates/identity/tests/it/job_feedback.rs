//! Feedback's log: a complaint raises the churn grade until it is solved.

use crate::fixture::{World, activity, profile};
use perennial_platform::events::Peer;
use perennial_proto::feedback::v1::{Category, FeedbackReceived, TicketReopened, TicketResolved};
use perennial_proto::identity::v1::{
    ActivityKind, ActivityRecorded, EraseProfileRequest, GetChurnRiskRequest, RiskGrade,
    RiskSignal, SignalFinding,
};

fn received(user_id: &str, n: u8, category: Category) -> FeedbackReceived {
    FeedbackReceived {
        user_id: user_id.into(),
        feedback_id: format!("fbk_{n:032x}"),
        ticket_id: format!("tkt_{n:032x}"),
        category: category.into(),
        ..Default::default()
    }
}

fn resolved(told: &FeedbackReceived) -> TicketResolved {
    let (user_id, ticket_id) = (told.user_id.clone(), told.ticket_id.clone());
    TicketResolved { user_id, ticket_id, category: told.category, ..Default::default() }
}

fn reopened(told: &FeedbackReceived) -> TicketReopened {
    let (user_id, ticket_id) = (told.user_id.clone(), told.ticket_id.clone());
    TicketReopened { user_id, ticket_id, category: told.category }
}

async fn signals(world: &World) -> (RiskGrade, Vec<RiskSignal>) {
    world.suite.settle().await;
    let request = GetChurnRiskRequest { user_id: "u".into() };
    let answer = world.insights().get_churn_risk(request).await.unwrap().into_inner();
    let present = answer.signals.iter().filter(|signal| signal.present);
    (answer.grade(), present.map(SignalFinding::signal).collect())
}

#[tokio::test]
async fn a_complaint_is_a_signal_until_it_is_solved() {
    let world = World::start().await;
    world.track(vec![activity("u", ActivityKind::Login, world.now(), "1")]).await;
    let log = world.suite.log(Peer::Feedback);
    let (first, second) =
        (received("u", 1, Category::Complaint), received("u", 2, Category::Complaint));
    let raised = (RiskGrade::Light, vec![RiskSignal::ComplaintOpen]);
    log.append(world.now(), "u", &first);
    assert_eq!(signals(&world).await, raised);
    log.append(world.now(), "u", &second);
    log.append(world.now(), "u", &resolved(&first));
    assert_eq!(signals(&world).await, raised, "one of two is still open");
    log.append(world.now(), "u", &resolved(&second));
    assert_eq!(signals(&world).await, (RiskGrade::None, vec![]));
    log.append(world.now(), "u", &reopened(&second));
    assert_eq!(signals(&world).await, raised);
    assert_eq!(world.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn feedback_is_an_interaction_and_other_tickets_are_no_signal() {
    let world = World::start().await;
    let log = world.suite.log(Peer::Feedback);
    let praise = received("u", 1, Category::Praise);
    log.append(world.now(), "u", &praise);
    log.append(world.now(), "u", &resolved(&praise));
    log.append(world.now(), "u", &reopened(&praise));
    assert_eq!(signals(&world).await, (RiskGrade::None, vec![]), "and the user is known by now");
    let told = world.suite.events_of::<ActivityRecorded>().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].kind(), told[0].source.as_str()),
        (ActivityKind::Feedback, "perennial/feedback")
    );
}

#[tokio::test]
async fn an_erased_users_tickets_are_forgotten() {
    let world = World::start().await;
    world.upsert(profile("u")).await;
    let log = world.suite.log(Peer::Feedback);
    let complaint = received("u", 1, Category::Complaint);
    log.append(world.now(), "u", &complaint);
    world.suite.settle().await;
    let request = EraseProfileRequest { user_id: "u".into(), ..Default::default() };
    world.profiles().erase_profile(request).await.unwrap();
    log.append(world.now(), "u", &reopened(&complaint));
    log.append(world.now(), "u", &received("u", 2, Category::Complaint));
    world.suite.settle().await;
    assert_eq!(world.violations().await, Vec::<String>::new());
}
