//! Refusals of everything that gives or moves points, in tables.

use crate::fixture::{Service, fields, refusal};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::loyalty::v1::{
    ActivateRequest, CancelPendingRequest, CaptureRequest, CorrectRequest, EarnPendingRequest,
    EarnRequest, HoldRequest, ReversalPolicy, ReverseRequest, TransferRequest,
};
use tonic::{Code, Status};

fn earn(points: i64) -> EarnRequest {
    EarnRequest { user_id: "ann".to_owned(), points, ..Default::default() }
}

fn pending(points: i64) -> EarnPendingRequest {
    EarnPendingRequest { user_id: "ann".to_owned(), points, ..Default::default() }
}

fn gift(points: i64) -> TransferRequest {
    let (from_user_id, to_user_id) = ("ann".to_owned(), "bob".to_owned());
    TransferRequest { from_user_id, to_user_id, points, ..Default::default() }
}

fn correction(points: i64) -> CorrectRequest {
    CorrectRequest {
        user_id: "ann".to_owned(),
        points,
        reason: "ticket:1".to_owned(),
        author: "clerk".to_owned(),
        approver: "lead".to_owned(),
        ..Default::default()
    }
}

/// What is wrong with a request whatever the ledger holds: the fields that are named.
#[tokio::test]
async fn fields_are_named_for_everything_that_cannot_be_meant() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    service.earn("bob", 1).await;
    let at = |days| Some(time::to_proto(service.now() + TimeDelta::days(days)));
    let century = 36_525;
    let cases: Vec<(EarnRequest, &[&str])> = vec![
        (EarnRequest { occur_time: at(1), ..earn(1) }, &["occur_time"]),
        (EarnRequest { occur_time: at(century), ..earn(1) }, &["occur_time"]),
        (EarnRequest { occur_time: at(-60 * 366), ..earn(1) }, &["occur_time"]),
        (EarnRequest { expire_time: at(-1), ..earn(1) }, &["expire_time"]),
        (EarnRequest { expire_time: at(century + 1), ..earn(1) }, &["expire_time"]),
        (EarnRequest { expire_time: at(0), ..earn(1) }, &["expire_time"]),
    ];
    for (request, expected) in cases {
        assert_eq!(fields(service.points().earn(request).await), expected);
    }
    let cases: Vec<(EarnPendingRequest, &[&str])> = vec![
        (pending(0), &["points"]),
        (pending(i64::MAX), &["points"]),
        (EarnPendingRequest { occur_time: at(1), ..pending(1) }, &["occur_time"]),
        (
            EarnPendingRequest {
                activate_time: at(century + 1),
                never_expires: true,
                ..pending(1)
            },
            &["activate_time"],
        ),
        (
            EarnPendingRequest { activate_time: at(1), activate_after_days: 1, ..pending(1) },
            &["activate_after_days"],
        ),
        (
            EarnPendingRequest { activate_time: at(9), expire_time: at(9), ..pending(1) },
            &["activate_time"],
        ),
        (EarnPendingRequest { activate_after_days: 800, ..pending(1) }, &["activate_after_days"]),
        (EarnPendingRequest { activate_after_days: 3_651, ..pending(1) }, &["activate_after_days"]),
        (EarnPendingRequest { activate_after_days: -1, ..pending(1) }, &["activate_after_days"]),
    ];
    for (request, expected) in cases {
        assert_eq!(fields(service.points().earn_pending(request).await), expected);
    }
    let cases: Vec<(TransferRequest, &[&str])> = vec![
        (gift(0), &["points"]),
        (gift(-5), &["points"]),
        (TransferRequest { to_user_id: "ann".to_owned(), ..gift(1) }, &["to_user_id"]),
        (TransferRequest { to_user_id: String::new(), ..gift(1) }, &["to_user_id"]),
        (TransferRequest { source: "app".to_owned(), ..gift(1) }, &["source_event_id"]),
    ];
    for (request, expected) in cases {
        assert_eq!(fields(service.points().transfer(request).await), expected);
    }
    let only = ReversalPolicy::OnlyPending.into();
    let cases: Vec<(CorrectRequest, &[&str])> = vec![
        (correction(0), &["points"]),
        (correction(i64::MIN), &["points"]),
        (CorrectRequest { approver: String::new(), ..correction(1) }, &["approver"]),
        (CorrectRequest { approver: "clerk".to_owned(), ..correction(1) }, &["approver"]),
        (CorrectRequest { author: String::new(), ..correction(1) }, &["author"]),
        (CorrectRequest { reason: String::new(), ..correction(1) }, &["reason"]),
        (CorrectRequest { policy: only, ..correction(-1) }, &["policy"]),
        (CorrectRequest { expire_time: at(5), ..correction(-1) }, &["expire_time"]),
    ];
    for (request, expected) in cases {
        assert_eq!(fields(service.points().correct(request).await), expected);
    }
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.issued, balance.pending), (100, 100, 0));
}

/// What the ledger refuses: code and reason, again under the same request id, and nothing changed.
#[tokio::test]
async fn refusals_by_rule_have_stable_reasons() {
    let service = Service::start().await;
    let mut points = service.points();
    let earned = service.earn("ann", 100).await;
    let request = HoldRequest { user_id: "ann".to_owned(), points: 40, ..Default::default() };
    let hold_id = points.hold(request).await.unwrap().into_inner().hold_id;
    let entry_id =
        points.earn_pending(pending(10)).await.unwrap().into_inner().entry.unwrap().entry_id;
    let capture = |id: &str, points| CaptureRequest {
        request_id: id.to_owned(),
        hold_id: hold_id.clone(),
        points,
    };
    let reverse = |id: &str, points| ReverseRequest {
        request_id: id.to_owned(),
        entry_id: earned.entry_id.clone(),
        points,
        ..Default::default()
    };
    let activate =
        |id: &str| ActivateRequest { request_id: id.to_owned(), entry_id: entry_id.clone() };
    let cancel = |id: &str, points| CancelPendingRequest {
        request_id: id.to_owned(),
        entry_id: entry_id.clone(),
        points,
        ..Default::default()
    };
    let because = |reason: &str| (Code::FailedPrecondition, reason.to_owned());
    for _ in 0..2 {
        let over = points.capture(capture("c1", 41)).await;
        assert_eq!(refusal(over), because("EXCEEDS_HOLD"));
        let over = points.cancel_pending(cancel("p1", 11)).await;
        assert_eq!(refusal(over), because("EXCEEDS_PENDING"));
        let over = points.reverse(reverse("v1", 101)).await;
        assert_eq!(refusal(over), because("EXCEEDS_ORIGINAL"));
        let nobody = TransferRequest { request_id: "t1".to_owned(), ..gift(1) };
        let nobody: Result<_, Status> = points.transfer(nobody).await;
        assert_eq!(refusal(nobody), (Code::NotFound, "RECEIVER_NOT_FOUND".to_owned()));
        let nobody = CorrectRequest {
            request_id: "k1".to_owned(),
            user_id: "nobody".to_owned(),
            ..correction(5)
        };
        let nobody = points.correct(nobody).await;
        assert_eq!(refusal(nobody), (Code::NotFound, "MEMBER_NOT_FOUND".to_owned()));
    }
    points.capture(capture("c2", 40)).await.unwrap();
    assert_eq!(refusal(points.capture(capture("c3", 40)).await), because("HOLD_CAPTURED"));
    points.activate(activate("a1")).await.unwrap();
    assert_eq!(refusal(points.activate(activate("a2")).await), because("NOT_PENDING"));
    // The same id for another request.
    let reused = (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned());
    assert_eq!(refusal(points.reverse(reverse("v1", 5)).await), reused);
    let entry = (Code::NotFound, "ENTRY_NOT_FOUND".to_owned());
    let entry_id = format!("ent_{}", "0".repeat(32));
    let request = ActivateRequest { entry_id: entry_id.clone(), ..Default::default() };
    assert_eq!(refusal(points.activate(request).await), entry);
    let request = CancelPendingRequest { entry_id, ..Default::default() };
    assert_eq!(refusal(points.cancel_pending(request).await), entry);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.redeemed, balance.pending), (70, 40, 0));
    service.assert_sound().await;
}
