//! Numbers put right, by two people.

use crate::fixture::{Service, refusal};
use perennial_proto::loyalty::v1::{
    CorrectRequest, EntryKind, PointsEarned, PointsReversed, ReversalPolicy, ReverseRequest,
};
use tonic::Code;

fn correct(points: i64) -> CorrectRequest {
    CorrectRequest {
        user_id: "ann".to_owned(),
        points,
        reason: "ticket:4711".to_owned(),
        author: "clerk:1".to_owned(),
        approver: "lead:2".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_correction_says_who_why_and_what_was_asked() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let mut points = service.points();
    let up = points.correct(correct(20)).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(
        (up.kind(), up.points, up.reason.as_str()),
        (EntryKind::Correction, 20, "ticket:4711")
    );
    assert_eq!((up.facts["author"].as_str(), up.facts["approver"].as_str()), ("clerk:1", "lead:2"));
    assert!(up.expire_time.is_some());
    let down = points.correct(correct(-30)).await.unwrap().into_inner().entry.unwrap();
    assert_eq!((down.points, down.facts["asked"].as_str()), (30, "-30"));
    assert_eq!(down.allocations.iter().map(|part| part.points).sum::<i64>(), 30);
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.issued, balance.reversed), (90, 120, 30));
    assert_eq!(service.suite.events_of::<PointsEarned>().await.len(), 2);
    assert_eq!(service.suite.events_of::<PointsReversed>().await[0].reversed_entry_id, "");
    service.assert_sound().await;
}

#[tokio::test]
async fn downwards_it_follows_the_policy() {
    let service = Service::start().await;
    service.earn("ann", 10).await;
    service.spend("ann", 4).await.unwrap();
    let mut points = service.points();
    let named = CorrectRequest {
        request_id: "r1".to_owned(),
        source: "desk".to_owned(),
        source_event_id: "c1".to_owned(),
        ..correct(-20)
    };
    let taken = points.correct(named.clone()).await.unwrap().into_inner();
    assert_eq!(taken.entry.as_ref().unwrap().points, 6);
    assert!(points.correct(named.clone()).await.unwrap().into_inner().replayed);
    // Under another request id the event is known, though fewer were taken than asked for.
    let other = CorrectRequest { request_id: "r2".to_owned(), ..named.clone() };
    assert_eq!(points.correct(other).await.unwrap().into_inner().entry, taken.entry);
    let reused = (Code::AlreadyExists, "SOURCE_EVENT_REUSED".to_owned());
    let more = CorrectRequest { request_id: "r3".to_owned(), points: -21, ..named };
    assert_eq!(refusal(points.correct(more).await), reused);
    let nothing = (Code::FailedPrecondition, "NOTHING_TO_REVERSE".to_owned());
    assert_eq!(refusal(points.correct(correct(-1)).await), nothing);
    let unlimited = ReversalPolicy::Unlimited.into();
    let owing = CorrectRequest { policy: unlimited, ..correct(-5) };
    let owing = points.correct(owing).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(service.balance("ann").await.debt, 5);
    // A correction of a correction.
    let request = ReverseRequest { entry_id: owing.entry_id, ..Default::default() };
    points.reverse(request).await.unwrap();
    let balance = service.balance("ann").await;
    assert_eq!((balance.debt, balance.spendable), (0, 0));
    service.assert_sound().await;
}
