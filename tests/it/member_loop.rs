//! What loyalty promises, warns of and makes up for reaches the customer as a message, over all
//! four services.

use crate::story::{ADA, Story};
use chrono::TimeDelta;
use perennial_platform::time::to_proto;
use perennial_proto::feedback::v1::Category;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{
    ApproveIncidentRequest, Balance, CompensateTicketRequest, CompensationRewards,
    DeclareIncidentRequest, EarnRequest, GetBalanceRequest, GetEntitlementRequest,
    ListDueChargesRequest, MembershipCharge, MembershipDays, MembershipPeriod, ReferRequest,
    ReportChargePaidRequest, SubscribeRequest,
};
use perennial_proto::notification::v1::{ListMessagesRequest, NotificationState};

async fn balance(story: &Story) -> Balance {
    let request = GetBalanceRequest { user_id: ADA.into() };
    let answer = story.clients.points.clone().get_balance(request).await.unwrap();
    answer.into_inner().balance.unwrap()
}

/// Whether she has access to a plan now.
async fn has(story: &Story, plan: &str) -> bool {
    let request = GetEntitlementRequest { user_id: ADA.into() };
    let answer = story.clients.memberships.clone().get_entitlement(request).await.unwrap();
    let entitlement = answer.into_inner().entitlement.unwrap();
    entitlement.has_access && entitlement.plan == plan
}

async fn due_charges(story: &Story) -> Vec<MembershipCharge> {
    let request = ListDueChargesRequest::default();
    let answer = story.clients.memberships.clone().list_due_charges(request).await.unwrap();
    answer.into_inner().charges
}

async fn pay(story: &Story, charge: &MembershipCharge) {
    let request = ReportChargePaidRequest {
        charge_id: charge.charge_id.clone(),
        payment_ref: format!("payment-of-{}", charge.charge_id),
        ..Default::default()
    };
    story.clients.memberships.clone().report_charge_paid(request).await.unwrap();
}

/// Points expire only after their holder was told, a week before.
#[tokio::test]
async fn points_expire_after_their_warning_was_handed_over() {
    let story = Story::begin().await;
    let expires = story.now().await + TimeDelta::days(30);
    let earn = EarnRequest {
        user_id: ADA.into(),
        points: 120,
        expire_time: Some(to_proto(expires)),
        ..Default::default()
    };
    story.clients.points.clone().earn(earn).await.unwrap();
    story.pass(TimeDelta::days(18)).await;
    assert_eq!(story.messages("points-expiring").await, Vec::new());
    story.pass(TimeDelta::days(4)).await;
    let warning = story.only_message("points-expiring").await;
    assert_eq!(warning.state(), NotificationState::Sent, "{warning:?}");
    story.pass(TimeDelta::days(10)).await;
    let after = balance(&story).await;
    assert_eq!((after.spendable, after.expired), (0, 120), "{after:?}");
}

/// A renewal is announced a week before, and charges what was announced.
#[tokio::test]
async fn a_renewal_is_announced_before_it_is_charged() {
    let story = Story::begin().await;
    let subscribe = SubscribeRequest {
        user_id: ADA.into(),
        plan: "premium".into(),
        period: MembershipPeriod::Monthly.into(),
        ..Default::default()
    };
    story.clients.memberships.clone().subscribe(subscribe).await.unwrap();
    pay(&story, &due_charges(&story).await[0]).await;
    assert!(has(&story, "premium").await);
    story.pass(TimeDelta::days(25)).await;
    let notice = story.only_message("membership-renewal").await;
    assert_eq!(notice.state(), NotificationState::Sent, "{notice:?}");
    assert_eq!(due_charges(&story).await, Vec::new());
    story.pass(TimeDelta::days(8)).await;
    let charge = due_charges(&story).await.remove(0);
    let amount = charge.amount.clone().unwrap();
    let price =
        format!("{} {}.{:02}", amount.currency, amount.minor_units / 100, amount.minor_units % 100);
    let mails = perennial_tests::workspace::below(&story.setup.data().join("outbox"), &["eml"]);
    let told = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap().contains(&price);
    assert!(mails.iter().any(told), "{price} stands in none of {mails:?}");
    pay(&story, &charge).await;
    assert!(has(&story, "premium").await);
}

/// Whoever an incident hit is given something once, and is told; so is who complained.
#[tokio::test]
async fn what_is_made_up_for_is_told() {
    let story = Story::begin().await;
    story.track(ActivityKind::Purchase, "order-1", 10_000).await;
    story.pass(TimeDelta::hours(2)).await;
    let complaint = story.submit(Category::Complaint).await;
    story.settle().await;
    let before = balance(&story).await.spendable;
    let compensate = CompensateTicketRequest {
        user_id: ADA.into(),
        ticket_id: complaint.ticket_id,
        rewards: Some(CompensationRewards { points: 50, ..Default::default() }),
        declared_by: "staff-1".into(),
        ..Default::default()
    };
    story.clients.compensation.clone().compensate_ticket(compensate).await.unwrap();
    let to = story.now().await;
    let days = MembershipDays { plan: "basic".into(), days: 7 };
    let declare = DeclareIncidentRequest {
        key: "outage-1".into(),
        from_time: Some(to_proto(to - TimeDelta::hours(1))),
        to_time: Some(to_proto(to)),
        rewards: Some(CompensationRewards { membership: Some(days), ..Default::default() }),
        declared_by: "staff-1".into(),
        ..Default::default()
    };
    let declared = story.clients.compensation.clone().declare_incident(declare).await.unwrap();
    let approve = ApproveIncidentRequest {
        incident_id: declared.into_inner().incident.unwrap().incident_id,
        approved_by: "staff-2".into(),
        ..Default::default()
    };
    story.clients.compensation.clone().approve_incident(approve).await.unwrap();
    story.settle().await;
    assert_eq!(balance(&story).await.spendable, before + 50);
    assert!(has(&story, "basic").await);
    let told = story.messages("compensation").await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|one| one.state() == NotificationState::Sent), "{told:?}");
}

/// Thirty days in a row are full attendance: the badge is in the inbox.
#[tokio::test]
async fn full_attendance_is_rewarded_and_told() {
    let story = Story::begin().await;
    for day in 0..30 {
        story.track(ActivityKind::CheckIn, &format!("check-in-{day}"), 0).await;
        story.pass(TimeDelta::days(1)).await;
    }
    let request = ListMessagesRequest { user_id: ADA.into(), ..Default::default() };
    let inbox = story.clients.inbox.clone().list_messages(request).await.unwrap().into_inner();
    let texts: Vec<&str> = inbox.messages.iter().map(|one| one.body.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("full-attendance")), "{texts:?}");
}

/// A paying friend is three months of membership, once the order can no longer be returned.
#[tokio::test]
async fn a_paying_friend_is_three_months_of_membership() {
    let story = Story::begin().await;
    story.track(ActivityKind::Login, "visit-1", 0).await;
    story.settle().await;
    let refer = ReferRequest {
        friend_user_id: "bob".into(),
        advocate_user_id: ADA.into(),
        ..Default::default()
    };
    story.clients.referrals.clone().refer(refer).await.unwrap();
    story.track_of("bob", ActivityKind::Purchase, "order-of-bob", 20_000).await;
    story.pass(TimeDelta::days(3)).await;
    assert!(!has(&story, "premium").await, "the order can be returned still");
    story.pass(TimeDelta::days(30)).await;
    assert!(has(&story, "premium").await);
    assert_eq!(story.only_message("reward").await.state(), NotificationState::Sent);
}
