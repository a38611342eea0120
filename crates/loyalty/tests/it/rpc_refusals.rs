//! Bad input: every refusal has a stable reason, and changes nothing.

use crate::fixture::{Service, fields, refusal};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::loyalty::v1::{
    CaptureRequest, EarnRequest, GetBalanceRequest, GetEntryRequest, GetHoldRequest,
    GetStatementRequest, GetTierRequest, HoldRequest, ListTierHistoryRequest, ReverseRequest,
    SpendRequest, VoidRequest,
};
use tonic::Code;

fn earn(points: i64) -> EarnRequest {
    EarnRequest { user_id: "ann".to_owned(), points, ..Default::default() }
}

#[tokio::test]
async fn bounds_are_those_of_the_contract() {
    let service = Service::start().await;
    for points in [0, -1, i64::MIN, 1_000_000_000_001, i64::MAX] {
        assert_eq!(fields(service.points().earn(earn(points)).await), ["points"]);
        let spend = SpendRequest { user_id: "ann".to_owned(), points, ..Default::default() };
        assert_eq!(fields(service.points().spend(spend).await), ["points"]);
        let hold = HoldRequest { user_id: "ann".to_owned(), points, ..Default::default() };
        assert_eq!(fields(service.points().hold(hold).await), ["points"]);
    }
    // All that is wrong at once.
    let request = EarnRequest { user_id: "a b".to_owned(), ..earn(0) };
    assert_eq!(fields(service.points().earn(request).await), ["user_id", "points"]);
    let request = HoldRequest {
        user_id: "ann".to_owned(),
        points: 1,
        timeout: Some(prost_types::Duration { seconds: 2_592_001, nanos: 0 }),
        ..Default::default()
    };
    assert_eq!(fields(service.points().hold(request).await), ["timeout"]);
}

#[tokio::test]
async fn fields_that_contradict_each_other_are_named_together() {
    let service = Service::start().await;
    let at = |days| Some(time::to_proto(service.now() + TimeDelta::days(days)));
    let request = EarnRequest {
        occur_time: at(1),
        expire_time: at(-1),
        never_expires: true,
        source: "shop".to_owned(),
        ..earn(1)
    };
    assert_eq!(
        fields(service.points().earn(request).await),
        ["occur_time", "expire_time", "never_expires", "source_event_id"]
    );
    let long_ago = prost_types::Timestamp { seconds: -1, nanos: 0 };
    let request = EarnRequest { occur_time: Some(long_ago), ..earn(1) };
    assert_eq!(fields(service.points().earn(request).await), ["occur_time"]);
}

#[tokio::test]
async fn a_retry_past_the_date_it_asked_for_gets_its_answer() {
    let service = Service::start().await;
    let soon = service.now() + TimeDelta::hours(1);
    let request = EarnRequest {
        request_id: "r1".to_owned(),
        source: "shop".to_owned(),
        source_event_id: "e1".to_owned(),
        expire_time: Some(time::to_proto(soon)),
        ..earn(10)
    };
    let first = service.points().earn(request.clone()).await.unwrap().into_inner();
    service.suite.clock.advance(TimeDelta::hours(2));
    let again = service.points().earn(request.clone()).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(again.entry, first.entry);
    // The business event is known under another request as well.
    let other = EarnRequest { request_id: "r2".to_owned(), ..request.clone() };
    assert_eq!(service.points().earn(other).await.unwrap().into_inner().entry, first.entry);
    // Without either it is refused, and stays so.
    let fresh =
        EarnRequest { request_id: "r3".to_owned(), source_event_id: "e3".to_owned(), ..request };
    for _ in 0..2 {
        assert_eq!(fields(service.points().earn(fresh.clone()).await), ["expire_time"]);
    }
    assert_eq!(service.balance("ann").await.issued, 10);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let service = Service::start().await;
    let user_id = "nobody".to_owned();
    let member = (Code::NotFound, "MEMBER_NOT_FOUND".to_owned());
    let mut points = service.points();
    assert_eq!(refusal(service.spend("nobody", 1).await), member);
    let request = HoldRequest { user_id: user_id.clone(), points: 1, ..Default::default() };
    assert_eq!(refusal(points.hold(request).await), member);
    let request = GetBalanceRequest { user_id: user_id.clone() };
    assert_eq!(refusal(points.get_balance(request).await), member);
    let request = GetStatementRequest { user_id: user_id.clone(), ..Default::default() };
    assert_eq!(refusal(points.get_statement(request).await), member);
    let request = GetTierRequest { user_id: user_id.clone() };
    assert_eq!(refusal(service.tiers().get_tier(request).await), member);
    let request = ListTierHistoryRequest { user_id, ..Default::default() };
    assert_eq!(refusal(service.tiers().list_tier_history(request).await), member);

    let hold = (Code::NotFound, "HOLD_NOT_FOUND".to_owned());
    let hold_id = format!("hold_{}", "0".repeat(32));
    let request = CaptureRequest { hold_id: hold_id.clone(), ..Default::default() };
    assert_eq!(refusal(points.capture(request).await), hold);
    let request = VoidRequest { hold_id: hold_id.clone(), ..Default::default() };
    assert_eq!(refusal(points.void(request).await), hold);
    assert_eq!(refusal(points.get_hold(GetHoldRequest { hold_id }).await), hold);

    let entry = (Code::NotFound, "ENTRY_NOT_FOUND".to_owned());
    let entry_id = format!("ent_{}", "0".repeat(32));
    let request = ReverseRequest { entry_id: entry_id.clone(), ..Default::default() };
    assert_eq!(refusal(points.reverse(request).await), entry);
    assert_eq!(refusal(points.get_entry(GetEntryRequest { entry_id }).await), entry);
}

#[tokio::test]
async fn an_id_of_another_kind_is_a_bad_field() {
    let service = Service::start().await;
    let entry_id = format!("lot_{}", "0".repeat(32));
    let request = ReverseRequest { entry_id, ..Default::default() };
    assert_eq!(fields(service.points().reverse(request).await), ["entry_id"]);
}

#[tokio::test]
async fn nobody_is_given_more_than_the_limit() {
    let service = Service::start().await;
    let million_millions = 1_000_000_000_000;
    let mut answers = Vec::new();
    for _ in 0..1_001 {
        answers.push(service.points().earn(earn(million_millions)).await);
    }
    let last = answers.pop().unwrap();
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(refusal(last), (Code::OutOfRange, "BALANCE_LIMIT".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_hold_or_an_expiry_cannot_be_reversed() {
    let service = Service::start().await;
    service.earn("ann", 10).await;
    let request = HoldRequest { user_id: "ann".to_owned(), points: 5, ..Default::default() };
    let held = service.points().hold(request).await.unwrap().into_inner().entry.unwrap();
    let request = ReverseRequest { entry_id: held.entry_id, ..Default::default() };
    let answer = service.points().reverse(request).await;
    assert_eq!(refusal(answer), (Code::FailedPrecondition, "NOT_REVERSIBLE".to_owned()));
}
