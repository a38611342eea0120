//! Memberships over sockets: access, charges, and what members can do.

mod course;
mod gifts;
mod refusals;

use crate::fixture::{Service, refusal};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::time;
use perennial_proto::loyalty::v1::membership_service_client::MembershipServiceClient;
use perennial_proto::loyalty::v1::{
    CancelRequest, GetEntitlementRequest, GetMembershipRequest, GetMembershipResponse,
    ListDueChargesRequest, Membership, MembershipCharge, MembershipChargeState as ChargeState,
    MembershipPeriod, MembershipRenewalDue, MembershipState as State, ReportChargePaidRequest,
    SubscribeRequest,
};
use perennial_proto::types::v1::Money;
use tonic::Status;
use tonic::transport::Channel;

pub(super) fn client(service: &Service) -> MembershipServiceClient<Channel> {
    MembershipServiceClient::new(service.suite.channel())
}

pub(super) fn wish(user: &str, plan: &str, trial: bool) -> SubscribeRequest {
    SubscribeRequest {
        user_id: user.to_owned(),
        plan: plan.to_owned(),
        period: MembershipPeriod::Monthly.into(),
        trial,
        ..Default::default()
    }
}

pub(super) async fn subscribe(
    service: &Service,
    wish: SubscribeRequest,
) -> Result<Membership, Status> {
    Ok(client(service).subscribe(wish).await?.into_inner().membership.unwrap())
}

pub(super) async fn see(service: &Service, user: &str) -> GetMembershipResponse {
    let request = GetMembershipRequest { user_id: user.to_owned() };
    client(service).get_membership(request).await.unwrap().into_inner()
}

pub(super) async fn membership(service: &Service, user: &str) -> Membership {
    see(service, user).await.membership.unwrap()
}

pub(super) async fn has_access(service: &Service, user: &str) -> bool {
    let request = GetEntitlementRequest { user_id: user.to_owned() };
    let answer = client(service).get_entitlement(request).await.unwrap().into_inner();
    answer.entitlement.unwrap().has_access
}

pub(super) async fn due(service: &Service) -> Vec<MembershipCharge> {
    let request = ListDueChargesRequest::default();
    client(service).list_due_charges(request).await.unwrap().into_inner().charges
}

pub(super) async fn report_paid(
    service: &Service,
    charge: &str,
    by: &str,
) -> Result<MembershipCharge, Status> {
    let request = ReportChargePaidRequest {
        charge_id: charge.to_owned(),
        payment_ref: by.to_owned(),
        ..Default::default()
    };
    Ok(client(service).report_charge_paid(request).await?.into_inner().charge.unwrap())
}

/// Collects everything that is due; answers the amounts.
pub(super) async fn collect(service: &Service) -> Vec<i64> {
    let mut amounts = Vec::new();
    for charge in due(service).await {
        let by = format!("pay:{}", charge.charge_id);
        report_paid(service, &charge.charge_id, &by).await.unwrap();
        amounts.push(charge.amount.unwrap().minor_units);
    }
    amounts
}

/// A member who paid for a month of the basic plan now.
pub(super) async fn paying(service: &Service, user: &str) -> Membership {
    subscribe(service, wish(user, "basic", false)).await.unwrap();
    collect(service).await;
    membership(service, user).await
}

pub(super) fn instant(at: Option<prost_types::Timestamp>) -> DateTime<Utc> {
    time::from_proto("time", &at.unwrap()).unwrap()
}

pub(super) async fn cancel(
    service: &Service,
    user: &str,
    immediate: bool,
) -> Result<Membership, Status> {
    let request = CancelRequest { user_id: user.to_owned(), immediate, ..Default::default() };
    Ok(client(service).cancel(request).await?.into_inner().membership.unwrap())
}

pub(super) fn yuan(minor_units: i64) -> Option<Money> {
    Some(Money { currency: "CNY".to_owned(), minor_units })
}

#[tokio::test]
async fn a_trial_becomes_a_paid_membership_that_renews_at_the_price_of_its_notice() {
    let service = Service::start().await;
    let start = service.now();
    let trial = subscribe(&service, wish("ann", "advanced", true)).await.unwrap();
    assert_eq!((trial.state(), trial.renews), (State::Trialing, true));
    assert_eq!(instant(trial.paid_through), start + TimeDelta::days(3));
    // Told in the call: the first order is cheaper.
    let first = trial.next_charge.unwrap();
    assert_eq!((first.state(), first.amount), (ChargeState::Announced, yuan(4_000)));
    assert!(due(&service).await.is_empty());

    service.wait_days(3);
    assert!(has_access(&service, "ann").await);
    service.suite.settle().await;
    assert_eq!(collect(&service).await, [4_000]);
    let paid = membership(&service, "ann").await;
    assert_eq!(paid.state(), State::Active);
    let end = instant(paid.paid_through);
    assert_eq!(end.date_naive().to_string(), "2026-02-08");

    // The notice is recorded seven days before, not earlier.
    service.suite.clock.set(end - TimeDelta::days(8));
    service.suite.settle().await;
    assert_eq!(membership(&service, "ann").await.next_charge, None);
    service.suite.clock.set(end - TimeDelta::days(7));
    service.suite.settle().await;
    let told: Vec<MembershipRenewalDue> = service.suite.events_of().await;
    assert_eq!(told.iter().map(|due| due.ends_trial).collect::<Vec<_>>(), [true, false]);
    assert_eq!(told[1].price, yuan(5_000));
    assert_eq!(instant(told[1].renew_time), end);

    service.suite.clock.set(end);
    assert!(has_access(&service, "ann").await);
    assert_eq!(due(&service).await.len(), 1, "due without any job");
    assert_eq!(collect(&service).await, [5_000]);
    let renewed = membership(&service, "ann").await;
    assert_eq!(instant(renewed.paid_through).date_naive().to_string(), "2026-03-08");
    service.assert_sound().await;
}

#[tokio::test]
async fn a_first_payment_is_waited_for_23_hours() {
    let service = Service::start().await;
    let pending = subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    assert_eq!(pending.state(), State::PendingPayment);
    assert!(!has_access(&service, "ann").await);
    let charge = pending.next_charge.unwrap();
    assert_eq!((charge.state(), charge.amount.clone()), (ChargeState::Due, yuan(1_600)));
    service.suite.clock.advance(TimeDelta::hours(23) - TimeDelta::seconds(1));
    assert_eq!(membership(&service, "ann").await.state(), State::PendingPayment);
    service.suite.clock.advance(TimeDelta::seconds(1));
    // Read before any job: over.
    let seen = see(&service, "ann").await;
    assert_eq!(seen.membership.unwrap().state(), State::Expired);
    assert!(due(&service).await.is_empty());
    assert_eq!(seen.charges[0].state(), ChargeState::Void);
    // Money that comes now is owed back, not a credit.
    let late = report_paid(&service, &charge.charge_id, "late").await.unwrap();
    let payout = late.payout.unwrap();
    assert_eq!((payout.amount, payout.done_time), (yuan(1_600), None));
    assert!(!has_access(&service, "ann").await);
    // Another try is free to begin, the first order still ahead.
    let again = subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    assert_eq!(again.next_charge.unwrap().amount, yuan(1_600));
    service.assert_sound().await;
}

#[tokio::test]
async fn two_years_paid_give_the_third_one() {
    let service = Service::start().await;
    let request = SubscribeRequest {
        period: MembershipPeriod::Yearly.into(),
        offer: "third-year-free".to_owned(),
        ..wish("ann", "basic", false)
    };
    subscribe(&service, request).await.unwrap();
    assert_eq!(collect(&service).await, [2 * 19_800]);
    let paid = membership(&service, "ann").await;
    assert_eq!(instant(paid.paid_through).date_naive().to_string(), "2029-01-05");
    assert_eq!(paid.renewal_price, yuan(19_800));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_request_is_carried_out_once() {
    let service = Service::start().await;
    let request = SubscribeRequest { request_id: "1".to_owned(), ..wish("ann", "basic", true) };
    let first = client(&service).subscribe(request.clone()).await.unwrap().into_inner();
    let again = client(&service).subscribe(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.membership, again.membership);
    let other = SubscribeRequest { plan: "premium".to_owned(), ..request };
    assert_eq!(refusal(client(&service).subscribe(other).await).0, tonic::Code::AlreadyExists);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_many_callers_one_subscribes() {
    let service = Service::start().await;
    let calls = (0..16).map(|_| subscribe(&service, wish("ann", "basic", true)));
    let answers = futures::future::join_all(calls).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 15));
    for answer in lost {
        assert_eq!(refusal(answer).1, "ALREADY_SUBSCRIBED");
    }
    service.assert_sound().await;
}
