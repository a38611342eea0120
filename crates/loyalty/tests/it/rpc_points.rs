//! Earning, spending, taking back.

use crate::fixture::{Service, refusal};
use perennial_proto::loyalty::v1::{
    EarnRequest, EntryKind, GetEntryRequest, PointsEarned, PointsReversed, PointsSpent,
    ReversalPolicy, ReverseRequest, SpendRequest,
};
use tonic::Code;

#[tokio::test]
async fn points_are_earned_and_spent() {
    let service = Service::start().await;
    let earned = service.earn("ann", 100).await;
    assert_eq!((earned.seq, earned.kind()), (1, EntryKind::Earn));
    let spent = service.spend("ann", 30).await.unwrap();
    let legs = spent.legs.unwrap();
    assert_eq!((legs.available, legs.redeemed, spent.available_after), (-30, 30, 70));
    assert_eq!(spent.allocations.len(), 1);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.issued, balance.redeemed), (70, 100, 30));
    let request = GetEntryRequest { entry_id: spent.entry_id.clone() };
    let read = service.points().get_entry(request).await.unwrap().into_inner();
    assert_eq!(read.entry, Some(spent));
    let told: Vec<PointsEarned> = service.suite.events_of().await;
    assert_eq!((told[0].points, told[0].expire_time), (100, earned.expire_time));
    assert_eq!(service.suite.events_of::<PointsSpent>().await.len(), 1);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_retry_has_one_effect_and_one_answer() {
    let service = Service::start().await;
    let request = EarnRequest {
        request_id: "r1".to_owned(),
        user_id: "ann".to_owned(),
        points: 10,
        ..Default::default()
    };
    let first = service.points().earn(request.clone()).await.unwrap().into_inner();
    let again = service.points().earn(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.entry, again.entry);
    let other = EarnRequest { points: 11, ..request };
    let answer = service.points().earn(other).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    assert_eq!(service.balance("ann").await.spendable, 10);
}

#[tokio::test]
async fn a_refused_request_stays_refused() {
    let service = Service::start().await;
    service.earn("ann", 5).await;
    let request = SpendRequest {
        request_id: "r1".to_owned(),
        user_id: "ann".to_owned(),
        points: 10,
        ..Default::default()
    };
    let insufficient = (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned());
    assert_eq!(refusal(service.points().spend(request.clone()).await), insufficient);
    service.earn("ann", 100).await;
    assert_eq!(refusal(service.points().spend(request).await), insufficient);
    assert_eq!(service.balance("ann").await.spendable, 105);
}

#[tokio::test]
async fn a_business_event_is_applied_once_whatever_the_request_id() {
    let service = Service::start().await;
    let request = |id: &str, points| EarnRequest {
        request_id: id.to_owned(),
        user_id: "ann".to_owned(),
        points,
        source: "shop".to_owned(),
        source_event_id: "order-1".to_owned(),
        reason: "bonus".to_owned(),
        ..Default::default()
    };
    let first = service.points().earn(request("a", 10)).await.unwrap().into_inner().entry;
    let again = service.points().earn(request("b", 10)).await.unwrap().into_inner().entry;
    assert_eq!(first, again);
    let other = service.points().earn(request("c", 11)).await;
    assert_eq!(refusal(other), (Code::AlreadyExists, "SOURCE_EVENT_REUSED".to_owned()));
    let else_why = EarnRequest { reason: "gift".to_owned(), ..request("d", 7) };
    service.points().earn(else_why).await.unwrap();
    assert_eq!(service.balance("ann").await.spendable, 17);
}

#[tokio::test]
async fn an_earning_is_reversed_in_parts_up_to_the_whole() {
    let service = Service::start().await;
    let order = service.earn("ann", 100).await;
    service.spend("ann", 70).await.unwrap();
    let reverse = |points, cause: &str| ReverseRequest {
        entry_id: order.entry_id.clone(),
        points,
        cause: cause.to_owned(),
        ..Default::default()
    };
    service.points().reverse(reverse(60, "refund-1")).await.unwrap();
    let twice = service.points().reverse(reverse(60, "refund-1")).await.unwrap().into_inner();
    assert_eq!(twice.entry.unwrap().points, 60);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.debt), (0, 30));
    let over = service.points().reverse(reverse(41, "refund-2")).await;
    assert_eq!(refusal(over), (Code::FailedPrecondition, "EXCEEDS_ORIGINAL".to_owned()));
    service.points().reverse(reverse(0, "refund-3")).await.unwrap();
    let nothing = service.points().reverse(reverse(0, "refund-4")).await;
    assert_eq!(refusal(nothing), (Code::FailedPrecondition, "NOTHING_TO_REVERSE".to_owned()));
    // The next points pay the debt of 70 off.
    service.earn("ann", 80).await;
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.debt, balance.reversed), (10, 0, 100));
    assert_eq!(service.suite.events_of::<PointsReversed>().await.len(), 2);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_policy_limits_what_is_taken_back() {
    let service = Service::start().await;
    let order = service.earn("ann", 100).await;
    service.spend("ann", 70).await.unwrap();
    let request = |policy: ReversalPolicy| ReverseRequest {
        entry_id: order.entry_id.clone(),
        policy: policy.into(),
        ..Default::default()
    };
    let none = service.points().reverse(request(ReversalPolicy::OnlyPending)).await;
    assert_eq!(refusal(none), (Code::FailedPrecondition, "NOTHING_TO_REVERSE".to_owned()));
    let some = service.points().reverse(request(ReversalPolicy::WithinBalance)).await.unwrap();
    assert_eq!(some.into_inner().entry.unwrap().points, 30);
    assert_eq!(service.balance("ann").await.debt, 0);
}

#[tokio::test]
async fn a_spend_is_taken_back_into_its_lots() {
    let service = Service::start().await;
    let first = service.earn("ann", 60).await;
    service.wait_days(40);
    service.earn("ann", 40).await;
    let spent = service.spend("ann", 90).await.unwrap();
    let request = ReverseRequest { entry_id: spent.entry_id, points: 50, ..Default::default() };
    let back = service.points().reverse(request).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(back.kind(), EntryKind::ReverseSpend);
    assert_eq!(back.allocations.iter().map(|part| part.points).collect::<Vec<_>>(), [30, 20]);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.next_expire_points), (60, 20));
    assert_eq!(balance.next_expire_time, first.expire_time);
    service.assert_sound().await;
}
