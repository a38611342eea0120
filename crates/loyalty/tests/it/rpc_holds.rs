//! Two-phase spending.

use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use perennial_proto::loyalty::v1::{
    CaptureRequest, GetHoldRequest, Hold, HoldRequest, HoldState, VoidRequest,
};
use tonic::Code;

async fn hold(service: &Service, points: i64) -> String {
    let timeout = Some(prost_types::Duration { seconds: 600, nanos: 0 });
    let request = HoldRequest { user_id: "ann".to_owned(), points, timeout, ..Default::default() };
    service.points().hold(request).await.unwrap().into_inner().hold_id
}

async fn read(service: &Service, hold_id: &str) -> Hold {
    let request = GetHoldRequest { hold_id: hold_id.to_owned() };
    service.points().get_hold(request).await.unwrap().into_inner().hold.unwrap()
}

fn capture(hold_id: &str, points: i64) -> CaptureRequest {
    CaptureRequest { hold_id: hold_id.to_owned(), points, ..Default::default() }
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_the_rest_comes_free() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let id = hold(&service, 80).await;
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.held), (20, 80));
    let over = service.points().capture(capture(&id, 81)).await;
    assert_eq!(refusal(over), (Code::FailedPrecondition, "EXCEEDS_HOLD".to_owned()));
    let entry = service.points().capture(capture(&id, 50)).await.unwrap().into_inner().entry;
    let entry = entry.unwrap();
    assert_eq!((entry.points, entry.held), (50, -80));
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.held, balance.redeemed), (50, 0, 50));
    let hold = read(&service, &id).await;
    assert_eq!((hold.state(), hold.resolved_by), (HoldState::Captured, entry.entry_id));
    let again = service.points().capture(capture(&id, 1)).await;
    assert_eq!(refusal(again), (Code::FailedPrecondition, "HOLD_CAPTURED".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_retried_resolution_is_replayed() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let id = hold(&service, 80).await;
    let request = CaptureRequest { request_id: "c1".to_owned(), ..capture(&id, 0) };
    let first = service.points().capture(request.clone()).await.unwrap().into_inner();
    let again = service.points().capture(request).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(first.entry, again.entry);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_when_held() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let id = hold(&service, 80).await;
    let insufficient = (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned());
    assert_eq!(refusal(service.spend("ann", 21).await), insufficient);
    let request = VoidRequest { hold_id: id.clone(), ..Default::default() };
    service.points().void(request.clone()).await.unwrap();
    let again = service.points().void(request).await;
    assert_eq!(refusal(again), (Code::FailedPrecondition, "HOLD_VOIDED".to_owned()));
    service.spend("ann", 100).await.unwrap();
    service.assert_sound().await;
}

#[tokio::test]
async fn a_hold_ends_at_its_deadline_before_any_job_has_run() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let (a, b) = (hold(&service, 60).await, hold(&service, 40).await);
    service.suite.clock.advance(TimeDelta::seconds(600));
    assert_eq!(read(&service, &a).await.state(), HoldState::TimedOut);
    assert_eq!(service.balance("ann").await.spendable, 100);
    let late = service.points().capture(capture(&a, 0)).await;
    assert_eq!(refusal(late), (Code::FailedPrecondition, "HOLD_TIMED_OUT".to_owned()));
    service.spend("ann", 100).await.unwrap();
    assert_eq!(read(&service, &b).await.state(), HoldState::TimedOut);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_job_lets_timed_out_holds_go() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let id = hold(&service, 60).await;
    service.suite.clock.advance(TimeDelta::seconds(599));
    assert_eq!(service.suite.settle().await, 0);
    service.suite.clock.advance(TimeDelta::seconds(1));
    assert_eq!(service.suite.settle().await, 1);
    assert!(!read(&service, &id).await.resolved_by.is_empty());
    assert_eq!(service.balance("ann").await.held, 0);
}
