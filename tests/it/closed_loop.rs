//! The loop that the suite is for, over all four services: what a customer does in one place is
//! known, answered and rewarded in the others.

use crate::story::{ADA, Story};
use chrono::TimeDelta;
use perennial_proto::feedback::v1::{
    AuthorKind, Category, GetFeedbackRequest, ResolveTicketRequest,
};
use perennial_proto::identity::v1::{
    ActivityKind, EraseProfileRequest, GetChurnRiskResponse, RiskGrade, RiskSignal,
};
use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest, GetTierRequest, Tier};
use perennial_proto::notification::v1::{
    DeliveryChannel, ListMessagesRequest, MessageClass, Notification, NotificationState,
    ScheduleNotificationRequest,
};
use tonic::Code;

#[tokio::test]
async fn a_purchase_earns_points_and_a_tier_and_is_congratulated() {
    let story = Story::begin().await;
    story.track(ActivityKind::Purchase, "order-1", 10_000_000).await;
    story.settle().await;

    let balance = GetBalanceRequest { user_id: ADA.into() };
    let balance = story.clients.points.clone().get_balance(balance).await.unwrap().into_inner();
    assert!(balance.balance.unwrap().spendable > 0);
    let tier = GetTierRequest { user_id: ADA.into() };
    let tier = story.clients.tiers.clone().get_tier(tier).await.unwrap().into_inner();
    assert_eq!(tier.tier(), Tier::Diamond, "{tier:?}");
    let congratulation = story.only_message("tier-up").await;
    assert_eq!(congratulation.state(), NotificationState::Sent, "{congratulation:?}");

    // 24 hours after the payment comes the welcome, once, though the purchase is told again.
    story.track(ActivityKind::Login, "visit-1", 0).await;
    story.pass(TimeDelta::hours(25)).await;
    assert_eq!(story.only_message("welcome").await.state(), NotificationState::Sent);
    let mails = perennial_tests::workspace::below(&story.setup.data().join("outbox"), &["eml"]);
    assert!(mails.len() >= 2, "{mails:?}");
}

#[tokio::test]
async fn feedback_is_confirmed_in_the_inbox_at_once() {
    let story = Story::begin().await;
    let submitted = story.submit(Category::Bug).await;
    assert!(submitted.ticket_id.starts_with("tkt_"));
    story.settle().await;
    let request = ListMessagesRequest { user_id: ADA.into(), ..ListMessagesRequest::default() };
    let inbox = story.clients.inbox.clone().list_messages(request).await.unwrap().into_inner();
    // Beside it stands what the first feedback is rewarded with.
    let said: Vec<_> = inbox.messages.iter().filter(|one| one.topic == "service").collect();
    assert_eq!(said.len(), 1, "{inbox:?}");
    assert_eq!(said[0].locale, "en");
    assert!(said[0].body.contains("24"), "{}", said[0].body);
}

#[tokio::test]
async fn an_open_complaint_raises_the_risk_and_quiets_us_until_it_is_solved() {
    let story = Story::begin().await;
    story.track(ActivityKind::Login, "visit-1", 0).await;
    story.settle().await;
    assert_eq!(story.risk().await.grade(), RiskGrade::None);

    let complaint = story.submit(Category::Complaint).await;
    story.settle().await;
    let risk = story.risk().await;
    assert_ne!(risk.grade(), RiskGrade::None);
    let open = |risk: &GetChurnRiskResponse| {
        risk.signals.iter().any(|one| one.signal() == RiskSignal::ComplaintOpen && one.present)
    };
    assert!(open(&risk), "{risk:?}");

    // Two marketing messages a day are allowed, one while a complaint is open.
    story.schedule().await;
    story.schedule().await;
    story.settle().await;
    let states: Vec<_> =
        story.messages("inactivity").await.iter().map(Notification::state).collect();
    assert!(states.contains(&NotificationState::Held), "{states:?}");

    let request = ResolveTicketRequest {
        ticket_id: complaint.ticket_id,
        author_kind: AuthorKind::Human.into(),
        author_id: "staff-1".into(),
        text: "Fixed: saving works again.".into(),
        ..ResolveTicketRequest::default()
    };
    story.clients.tickets.clone().resolve_ticket(request).await.unwrap();
    story.settle().await;
    assert_eq!(story.only_message("ticket-resolved").await.state(), NotificationState::Sent);
    let risk = story.risk().await;
    assert_eq!(risk.grade(), RiskGrade::None, "{risk:?}");
    assert!(!open(&risk));
    story.pass(TimeDelta::days(1)).await;
    let states: Vec<_> =
        story.messages("inactivity").await.iter().map(Notification::state).collect();
    assert!(!states.contains(&NotificationState::Held), "{states:?}");
}

#[tokio::test]
async fn silence_is_noticed_and_answered_step_by_step() {
    let story = Story::begin().await;
    story.track(ActivityKind::Login, "visit-1", 0).await;
    story.pass(TimeDelta::days(4)).await;
    assert_eq!(story.only_message("inactivity").await.state(), NotificationState::Sent);

    story.pass(TimeDelta::days(11)).await;
    assert_eq!(story.risk().await.grade(), RiskGrade::Light);
    assert_eq!(story.only_message("care").await.state(), NotificationState::Sent);

    story.pass(TimeDelta::days(16)).await;
    assert_eq!(story.risk().await.grade(), RiskGrade::Medium);
    assert_eq!(story.only_message("win-back-offer").await.state(), NotificationState::Sent);

    // Back again: the risk is gone.
    story.track(ActivityKind::Login, "visit-2", 0).await;
    story.settle().await;
    assert_eq!(story.risk().await.grade(), RiskGrade::None);
}

#[tokio::test]
async fn erasure_reaches_all_four_services() {
    let story = Story::begin().await;
    story.track(ActivityKind::Purchase, "order-1", 19_900).await;
    let submitted = story.submit(Category::Bug).await;
    story.settle().await;
    let request = EraseProfileRequest { user_id: ADA.into(), ..EraseProfileRequest::default() };
    story.clients.profiles.clone().erase_profile(request).await.unwrap();
    story.settle().await;

    let request = GetFeedbackRequest { feedback_id: submitted.feedback_id };
    let feedback = story.clients.feedback.clone().get_feedback(request).await.unwrap().into_inner();
    let feedback = feedback.feedback.unwrap();
    assert!(feedback.erased && feedback.text.is_empty(), "{feedback:?}");
    let earn = EarnRequest { user_id: ADA.into(), points: 1, ..EarnRequest::default() };
    let refused = story.clients.points.clone().earn(earn).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let request = ScheduleNotificationRequest {
        user_id: ADA.into(),
        template: "inactivity".into(),
        topic: "news".into(),
        channels: vec![DeliveryChannel::Inbox.into()],
        class: MessageClass::Marketing.into(),
        ..ScheduleNotificationRequest::default()
    };
    let refused = story.clients.notifications.clone().schedule_notification(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
}
