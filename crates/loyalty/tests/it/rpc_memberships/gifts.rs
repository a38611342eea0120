//! Time that was earned, racing callers, and what the operator's check sees.

use super::{
    State, cancel, client, collect, due, has_access, instant, membership, paying, report_paid,
    subscribe, wish,
};
use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use perennial_proto::loyalty::v1::{MembershipTimeKind, PauseRequest, RequestRefundRequest};

/// Ann brings somebody who buys and keeps it: three months of the highest plan.
async fn earns_three_months(service: &Service) {
    service.earn("ann", 1).await;
    service.brings("ann", "bob").await;
    service.suite.advance(TimeDelta::days(14), TimeDelta::days(1)).await;
    service.suite.settle().await;
}

#[tokio::test]
async fn earned_months_are_a_membership_that_does_not_renew() {
    let service = Service::start().await;
    earns_three_months(&service).await;
    let given = membership(&service, "ann").await;
    assert_eq!(
        (given.plan.as_str(), given.state(), given.renews),
        ("premium", State::Active, false)
    );
    assert_eq!(given.stretches[0].kind(), MembershipTimeKind::Given);
    assert!(given.stretches[0].source_id.starts_with("grant_"));
    let end = instant(given.paid_through);
    // Subscribed on the way: what is paid follows what was given.
    subscribe(&service, wish("ann", "premium", false)).await.unwrap();
    assert_eq!(membership(&service, "ann").await.state(), State::Active);
    collect(&service).await;
    let paid = membership(&service, "ann").await;
    assert!(paid.renews);
    assert_eq!(instant(paid.stretches[1].start_time), end);
    // Given back: what was given stays.
    let request = RequestRefundRequest { user_id: "ann".to_owned(), ..Default::default() };
    let answer = client(&service).request_refund(request).await.unwrap().into_inner();
    assert_eq!(answer.membership.unwrap().state(), State::Refunded);
    let left = membership(&service, "ann").await;
    assert_eq!((left.state(), instant(left.paid_through)), (State::Active, end));
    service.suite.clock.set(end);
    assert!(!has_access(&service, "ann").await);
    service.assert_sound().await;
}

#[tokio::test]
async fn earned_months_of_a_higher_plan_run_at_once_and_the_paid_ones_wait() {
    let service = Service::start().await;
    let end = instant(paying(&service, "ann").await.paid_through);
    earns_three_months(&service).await;
    let both = membership(&service, "ann").await;
    assert_eq!(both.plan, "basic");
    assert_eq!(both.entitlement.clone().unwrap().plan, "premium");
    let given = &both.stretches[1];
    let length = instant(given.end_time) - instant(given.start_time);
    assert_eq!(instant(both.paid_through), end + length);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_is_paid_for_does_not_wait_behind_a_pause_of_what_was_given() {
    let service = Service::start().await;
    earns_three_months(&service).await;
    let end = instant(membership(&service, "ann").await.paid_through);
    let pause = PauseRequest { user_id: "ann".to_owned(), ..Default::default() };
    client(&service).pause(pause).await.unwrap();
    service.wait_days(10);
    assert!(!has_access(&service, "ann").await);
    subscribe(&service, wish("ann", "premium", false)).await.unwrap();
    assert_eq!(collect(&service).await.len(), 1);
    assert!(has_access(&service, "ann").await);
    let paid = membership(&service, "ann").await;
    assert_eq!(paid.state(), State::Active);
    // None of what was given is lost, and what was paid follows it.
    let last = paid.stretches.last().unwrap();
    assert_eq!(last.kind(), MembershipTimeKind::Paid);
    assert_eq!(instant(last.start_time), end + TimeDelta::days(10));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_first_charge_can_be_cancelled_after_what_was_given_was() {
    let service = Service::start().await;
    earns_three_months(&service).await;
    assert_eq!(cancel(&service, "ann", false).await.unwrap().state(), State::Canceling);
    assert_eq!(refusal(cancel(&service, "ann", false).await).1, "ALREADY_CANCELED");
    subscribe(&service, wish("ann", "premium", false)).await.unwrap();
    assert_eq!(due(&service).await.len(), 1);
    let canceled = cancel(&service, "ann", false).await.unwrap();
    assert_eq!((canceled.state(), canceled.next_charge), (State::Canceling, None));
    assert!(due(&service).await.is_empty());
    assert!(has_access(&service, "ann").await);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_many_reports_one_pays() {
    let service = Service::start().await;
    subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    let charge = due(&service).await.pop().unwrap().charge_id;
    let refs: Vec<String> = (0..16).map(|n| format!("p{n}")).collect();
    let calls = refs.iter().map(|by| report_paid(&service, &charge, by));
    let answers = futures::future::join_all(calls).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 15));
    for answer in lost {
        assert_eq!(refusal(answer).1, "CHARGE_PAID");
    }
    assert_eq!(membership(&service, "ann").await.stretches.len(), 1);
    // And of payment and cancellation at once nothing is lost: the money bought time or is owed.
    subscribe(&service, wish("bob", "basic", false)).await.unwrap();
    let charge = due(&service).await.pop().unwrap().charge_id;
    let (paid, canceled) =
        tokio::join!(report_paid(&service, &charge, "p"), cancel(&service, "bob", false));
    assert!(canceled.is_ok());
    let owed = paid.unwrap().payout.is_some();
    assert_eq!(has_access(&service, "bob").await, !owed);
    service.assert_sound().await;
}
