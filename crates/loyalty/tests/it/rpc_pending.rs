//! Points that are not active yet.

use crate::fixture::{Service, refusal};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::UserErased;
use perennial_proto::loyalty::v1::{
    ActivateRequest, CancelPendingRequest, EarnPendingRequest, Entry, EntryKind,
    ExplainBalanceRequest, GetStatementRequest, PointsEarned, PointsPending, ReversalPolicy,
    ReverseRequest,
};
use tonic::{Code, Status};

async fn earn_pending(service: &Service, points: i64, at: Option<DateTime<Utc>>) -> Entry {
    let request = EarnPendingRequest {
        user_id: "ann".to_owned(),
        points,
        activate_time: at.map(time::to_proto),
        ..Default::default()
    };
    service.points().earn_pending(request).await.unwrap().into_inner().entry.unwrap()
}

async fn activate(service: &Service, entry: &Entry) -> Result<Entry, Status> {
    let request = ActivateRequest { entry_id: entry.entry_id.clone(), ..Default::default() };
    Ok(service.points().activate(request).await?.into_inner().entry.unwrap())
}

async fn cancel(service: &Service, entry: &Entry, points: i64) -> Result<Entry, Status> {
    let entry_id = entry.entry_id.clone();
    let request = CancelPendingRequest { entry_id, points, ..Default::default() };
    Ok(service.points().cancel_pending(request).await?.into_inner().entry.unwrap())
}

async fn reverse(
    service: &Service,
    entry: &Entry,
    policy: ReversalPolicy,
) -> Result<Entry, Status> {
    let request = ReverseRequest {
        entry_id: entry.entry_id.clone(),
        policy: policy.into(),
        ..Default::default()
    };
    Ok(service.points().reverse(request).await?.into_inner().entry.unwrap())
}

#[tokio::test]
async fn pending_points_count_from_their_instant_on_whether_or_not_a_job_ran() {
    let service = Service::start().await;
    let at = service.now() + TimeDelta::days(14);
    let entry = earn_pending(&service, 100, Some(at)).await;
    assert_eq!(entry.kind(), EntryKind::EarnPending);
    assert_eq!(entry.activate_time, Some(time::to_proto(at)));
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.pending, balance.issued), (0, 100, 100));
    assert_eq!(
        (balance.next_activate_points, balance.next_activate_time),
        (100, entry.activate_time)
    );
    assert_eq!(service.suite.events_of::<PointsPending>().await[0].points, 100);
    service.assert_sound().await;
    service.suite.clock.advance(TimeDelta::days(14) - TimeDelta::microseconds(1));
    let short = (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned());
    assert_eq!(refusal(service.spend("ann", 1).await), short);
    service.suite.clock.advance(TimeDelta::microseconds(1));
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.pending), (100, 0));
    let request = ExplainBalanceRequest { user_id: "ann".to_owned(), ..Default::default() };
    let explained = service.points().explain_balance(request).await.unwrap().into_inner();
    assert_eq!((explained.lots[0].spendable, explained.lots[0].points), (100, 100));
    service.spend("ann", 30).await.unwrap();
    assert_eq!(service.balance("ann").await.spendable, 70);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_job_writes_down_what_became_active_and_tells() {
    let service = Service::start().await;
    let request = EarnPendingRequest {
        user_id: "ann".to_owned(),
        points: 7,
        activate_after_days: 2,
        ..Default::default()
    };
    let entry = service.points().earn_pending(request).await.unwrap().into_inner().entry.unwrap();
    // Two whole local days and the rest of this one.
    assert_eq!(entry.activate_time, Some(time::to_proto("2026-01-07T16:00:00Z".parse().unwrap())));
    service.wait_days(3);
    service.suite.settle().await;
    let request = GetStatementRequest { user_id: "ann".to_owned(), ..Default::default() };
    let statement = service.points().get_statement(request).await.unwrap().into_inner();
    let active = &statement.entries[0];
    assert_eq!((active.kind(), active.occur_time), (EntryKind::Activate, entry.activate_time));
    let told: Vec<PointsEarned> = service.suite.events_of().await;
    assert_eq!((told.len(), told[0].points), (1, 7));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_statement_knows_what_was_pending_then() {
    let service = Service::start().await;
    let entry = earn_pending(&service, 50, None).await;
    let then = service.now();
    service.wait_days(1);
    activate(&service, &entry).await.unwrap();
    let at = |time: DateTime<Utc>| GetStatementRequest {
        user_id: "ann".to_owned(),
        as_of: Some(time::to_proto(time)),
        ..Default::default()
    };
    let mut points = service.points();
    let before = points.get_statement(at(then)).await.unwrap().into_inner().balance.unwrap();
    assert_eq!((before.pending, before.spendable, before.issued), (50, 0, 50));
    let after = points.get_statement(at(service.now())).await.unwrap().into_inner();
    let balance = after.balance.unwrap();
    assert_eq!((balance.pending, balance.spendable, after.entries.len()), (0, 50, 2));
    let never = points.get_statement(at(then - TimeDelta::days(1))).await.unwrap().into_inner();
    assert_eq!((never.entries.len(), never.balance.unwrap().issued), (0, 0));
}

#[tokio::test]
async fn pending_points_are_cancelled_in_parts_and_activated_once() {
    let service = Service::start().await;
    let entry = earn_pending(&service, 100, None).await;
    assert_eq!(cancel(&service, &entry, 30).await.unwrap().legs.unwrap().escrow, -30);
    let over = (Code::FailedPrecondition, "EXCEEDS_PENDING".to_owned());
    assert_eq!(refusal(cancel(&service, &entry, 71).await), over);
    assert_eq!(activate(&service, &entry).await.unwrap().points, 70);
    let gone = (Code::FailedPrecondition, "NOT_PENDING".to_owned());
    assert_eq!(refusal(activate(&service, &entry).await), gone);
    assert_eq!(refusal(cancel(&service, &entry, 0).await), gone);
    let plain = service.earn("ann", 1).await;
    assert_eq!(refusal(activate(&service, &plain).await), gone);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.reversed, balance.pending), (71, 30, 0));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_reversal_works_in_every_state() {
    let service = Service::start().await;
    // Pending: from escrow alone.
    let entry = earn_pending(&service, 10, None).await;
    let taken = reverse(&service, &entry, ReversalPolicy::OnlyPending).await.unwrap();
    assert_eq!(taken.legs.unwrap().escrow, -10);
    // Active: as an earning.
    let entry = earn_pending(&service, 10, None).await;
    activate(&service, &entry).await.unwrap();
    let nothing = (Code::FailedPrecondition, "NOTHING_TO_REVERSE".to_owned());
    let only = reverse(&service, &entry, ReversalPolicy::OnlyPending).await;
    assert_eq!(refusal(only), nothing);
    service.spend("ann", 4).await.unwrap();
    let taken = reverse(&service, &entry, ReversalPolicy::Unlimited).await.unwrap();
    let legs = taken.legs.unwrap();
    assert_eq!((legs.available, legs.debt, legs.escrow), (-6, -4, 0));
    // What becomes active next pays the debt off first.
    let entry = earn_pending(&service, 10, None).await;
    assert_eq!(service.balance("ann").await.debt, 4);
    activate(&service, &entry).await.unwrap();
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.debt), (6, 0));
    service.assert_sound().await;
}

#[tokio::test]
async fn retries_and_business_events_earn_pending_points_once() {
    let service = Service::start().await;
    let request = |id: &str, points| EarnPendingRequest {
        request_id: id.to_owned(),
        user_id: "ann".to_owned(),
        points,
        source: "shop".to_owned(),
        source_event_id: "e1".to_owned(),
        ..Default::default()
    };
    let mut points = service.points();
    let first = points.earn_pending(request("a", 5)).await.unwrap().into_inner();
    let again = points.earn_pending(request("a", 5)).await.unwrap().into_inner();
    assert!(again.replayed && again.entry == first.entry);
    let other = points.earn_pending(request("b", 5)).await.unwrap().into_inner();
    assert_eq!(other.entry, first.entry);
    let reused = (Code::AlreadyExists, "SOURCE_EVENT_REUSED".to_owned());
    assert_eq!(refusal(points.earn_pending(request("c", 6)).await), reused);
    let entry_id = first.entry.unwrap().entry_id;
    let request = ActivateRequest { request_id: "d".to_owned(), entry_id };
    assert!(!points.activate(request.clone()).await.unwrap().into_inner().replayed);
    assert!(points.activate(request).await.unwrap().into_inner().replayed);
    assert_eq!(service.balance("ann").await.spendable, 5);
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erasure_calls_pending_points_off() {
    let service = Service::start().await;
    let entry = earn_pending(&service, 10, None).await;
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.suite.settle().await;
    let balance = service.balance("ann").await;
    assert_eq!((balance.pending, balance.reversed, balance.closed), (0, 10, true));
    let closed = (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned());
    assert_eq!(refusal(activate(&service, &entry).await), closed);
    service.assert_sound().await;
}
