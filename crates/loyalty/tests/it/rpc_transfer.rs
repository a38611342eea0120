//! Points given by one member to another.

use crate::fixture::{Service, refusal};
use futures::future::join_all;
use perennial_platform::events::Peer;
use perennial_proto::identity::v1::UserErased;
use perennial_proto::loyalty::v1::{
    EntryKind, ExplainBalanceRequest, GetEntryRequest, PointsTransferred, ReverseRequest,
    TransferRequest,
};
use tonic::Code;

fn gift(points: i64) -> TransferRequest {
    TransferRequest {
        from_user_id: "ann".to_owned(),
        to_user_id: "bob".to_owned(),
        points,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_gift_keeps_its_dates() {
    let service = Service::start().await;
    let first = service.earn("ann", 30).await;
    service.wait_days(40);
    let second = service.earn("ann", 30).await;
    service.earn("bob", 1).await;
    let answer = service.points().transfer(gift(40)).await.unwrap().into_inner();
    let (sent, received) = (answer.sent.unwrap(), answer.received.unwrap());
    assert_eq!((sent.kind(), received.kind()), (EntryKind::TransferOut, EntryKind::TransferIn));
    assert_eq!(
        (&sent.transfer_id, &received.transfer_id),
        (&answer.transfer_id, &answer.transfer_id)
    );
    assert_eq!((sent.facts["to"].as_str(), received.facts["from"].as_str()), ("bob", "ann"));
    assert_eq!(received.seq, sent.seq + 1);
    let legs = [sent.legs.unwrap(), received.legs.unwrap()];
    assert_eq!(legs.iter().map(|legs| legs.transfer).sum::<i64>(), 0);
    let request = ExplainBalanceRequest { user_id: "bob".to_owned(), ..Default::default() };
    let lots = service.points().explain_balance(request).await.unwrap().into_inner().lots;
    let got: Vec<_> = lots.iter().map(|lot| (lot.points, lot.expire_time)).collect();
    assert!(got.contains(&(30, first.expire_time)) && got.contains(&(10, second.expire_time)));
    let (ann, bob) = (service.balance("ann").await, service.balance("bob").await);
    assert_eq!((ann.spendable, ann.transferred, ann.issued), (20, 40, 60));
    assert_eq!((bob.spendable, bob.transferred, bob.issued), (41, -40, 1));
    let told: Vec<PointsTransferred> = service.suite.events_of().await;
    assert_eq!(told.iter().map(|event| event.points).collect::<Vec<_>>(), [-40, 40]);
    // They expire where they are.
    service.wait_days(330);
    assert_eq!(service.balance("bob").await.spendable, 11);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_gift_pays_off_a_debt_first() {
    let service = Service::start().await;
    service.earn("ann", 30).await;
    let owed = service.earn("bob", 10).await;
    service.spend("bob", 10).await.unwrap();
    let request = ReverseRequest { entry_id: owed.entry_id, ..Default::default() };
    service.points().reverse(request).await.unwrap();
    service.points().transfer(gift(15)).await.unwrap();
    let bob = service.balance("bob").await;
    assert_eq!((bob.spendable, bob.debt), (5, 0));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_gift_is_given_once_and_its_answer_stays() {
    let service = Service::start().await;
    service.earn("ann", 30).await;
    service.earn("bob", 1).await;
    service.earn("eve", 1).await;
    let mut points = service.points();
    let named = TransferRequest {
        request_id: "r1".to_owned(),
        source: "app".to_owned(),
        source_event_id: "g1".to_owned(),
        ..gift(10)
    };
    let first = points.transfer(named.clone()).await.unwrap().into_inner();
    let again = points.transfer(named.clone()).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!((&again.sent, &again.received), (&first.sent, &first.received));
    let other = TransferRequest { request_id: "r2".to_owned(), ..named.clone() };
    assert_eq!(points.transfer(other).await.unwrap().into_inner().sent, first.sent);
    let else_where =
        TransferRequest { request_id: "r3".to_owned(), to_user_id: "eve".to_owned(), ..named };
    let reused = (Code::AlreadyExists, "SOURCE_EVENT_REUSED".to_owned());
    assert_eq!(refusal(points.transfer(else_where).await), reused);
    let request = GetEntryRequest { entry_id: first.received.clone().unwrap().entry_id };
    assert_eq!(points.get_entry(request).await.unwrap().into_inner().entry, first.received);
    let request = ReverseRequest { entry_id: first.sent.unwrap().entry_id, ..Default::default() };
    let never = (Code::FailedPrecondition, "NOT_REVERSIBLE".to_owned());
    assert_eq!(refusal(points.reverse(request).await), never);
    assert_eq!(service.balance("bob").await.spendable, 11);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_given_changes_nothing() {
    let service = Service::start().await;
    service.earn("ann", 10).await;
    let mut points = service.points();
    let unknown = (Code::NotFound, "RECEIVER_NOT_FOUND".to_owned());
    assert_eq!(refusal(points.transfer(gift(5)).await), unknown);
    service.earn("bob", 1).await;
    let short = (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned());
    assert_eq!(refusal(points.transfer(gift(11)).await), short);
    let nobody = TransferRequest { from_user_id: "nobody".to_owned(), ..gift(1) };
    let member = (Code::NotFound, "MEMBER_NOT_FOUND".to_owned());
    assert_eq!(refusal(points.transfer(nobody).await), member);
    let erased = UserErased { user_id: "bob".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "bob", &erased);
    service.suite.settle().await;
    let closed = (Code::FailedPrecondition, "RECEIVER_CLOSED".to_owned());
    assert_eq!(refusal(points.transfer(gift(5)).await), closed);
    assert_eq!(service.balance("ann").await.spendable, 10);
    service.assert_sound().await;
}

/// From a hundred points, twenty gifts of a hundred at once: one arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_gifts_make_no_points() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    service.earn("bob", 1).await;
    let gifts = (0..20).map(|_| {
        let mut points = service.points();
        async move { points.transfer(gift(100)).await }
    });
    let answers = join_all(gifts).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(service.balance("bob").await.spendable, 101);
    // There and back again by many, at the same time.
    let swaps = (0..40).map(|n| {
        let mut points = service.points();
        let (from, to) = if n % 2 == 0 { ("bob", "ann") } else { ("ann", "bob") };
        let (from_user_id, to_user_id) = (from.to_owned(), to.to_owned());
        async move { points.transfer(TransferRequest { from_user_id, to_user_id, ..gift(7) }).await }
    });
    join_all(swaps).await;
    let total = service.balance("ann").await.spendable + service.balance("bob").await.spendable;
    assert_eq!(total, 101);
    service.assert_sound().await;
}
