//! Earnings by the thousand.

use crate::fixture::{Service, fields};
use perennial_proto::loyalty::v1::earn_result::Outcome;
use perennial_proto::loyalty::v1::{
    EarnBatchRequest, EarnRequest, EarnResult, EarnStreamRequest, Entry,
};
use std::time::Duration;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

fn earn(n: i64) -> EarnRequest {
    EarnRequest {
        request_id: format!("r{n}"),
        user_id: format!("m{}", n % 50),
        points: 1 + n % 7,
        ..Default::default()
    }
}

fn entry(result: &EarnResult) -> &Entry {
    match &result.outcome {
        Some(Outcome::Entry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_batch_answers_each_in_order() {
    let service = Service::start().await;
    let mut requests: Vec<EarnRequest> = (0..1_000).map(earn).collect();
    // Twice the same; one whose fields contradict each other; one that was meant for other points.
    requests[10] = earn(9);
    requests[20].source = "shop".to_owned();
    requests[30] = EarnRequest { points: 7, ..earn(8) };
    let request = EarnBatchRequest { requests };
    let answer = service.points().earn_batch(request.clone()).await.unwrap().into_inner();
    assert_eq!(answer.results.len(), 1_000);
    for (n, result) in (0i64..).zip(&answer.results) {
        assert_eq!(result.index, n);
        match (n, &result.outcome) {
            (20, Some(Outcome::Failure(failure))) => {
                assert_eq!(failure.code, Code::InvalidArgument as i32);
            }
            (30, Some(Outcome::Failure(failure))) => {
                let reused = (Code::AlreadyExists as i32, "REQUEST_ID_REUSED");
                assert_eq!((failure.code, failure.reason.as_str()), reused);
            }
            (10, _) => assert!(result.replayed && entry(result) == entry(&answer.results[9])),
            _ => assert_eq!((entry(result).points, result.replayed), (1 + n % 7, false)),
        }
    }
    let again = service.points().earn_batch(request).await.unwrap().into_inner();
    assert_eq!(entry(&again.results[999]), entry(&answer.results[999]));
    assert!(again.results[999].replayed);
    // The ids are those of Earn.
    assert!(service.points().earn(earn(5)).await.unwrap().into_inner().replayed);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_batch_with_a_field_out_of_bounds_does_nothing() {
    let service = Service::start().await;
    let requests = vec![earn(0), EarnRequest { points: 0, ..earn(1) }];
    let answer = service.points().earn_batch(EarnBatchRequest { requests }).await;
    assert_eq!(fields(answer), ["requests[1].points"]);
    let requests = (0..1_001).map(earn).collect();
    let answer = service.points().earn_batch(EarnBatchRequest { requests }).await;
    assert_eq!(fields(answer), ["requests"]);
    let answer = service.points().earn_batch(EarnBatchRequest::default()).await;
    assert_eq!(fields(answer), ["requests"]);
    assert!(service.suite.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_answers_in_order_as_long_as_it_lasts() {
    let service = Service::start().await;
    let (send, receive) = tokio::sync::mpsc::channel(1);
    let sender = tokio::spawn(async move {
        let mut n = 0;
        for size in [1i64, 999, 1_000, 1_000, 1_000, 1_000, 500, 1] {
            let requests = (n..n + size).map(earn).collect();
            n += size;
            send.send(EarnStreamRequest { requests }).await.unwrap();
        }
        // Later than the deadline of a unary call would allow if the stream had one of 5 seconds.
        tokio::time::sleep(Duration::from_secs(6)).await;
        send.send(EarnStreamRequest { requests: vec![earn(n)] }).await.unwrap();
        n + 1
    });
    let mut client = service.points();
    let answer = client.earn_stream(ReceiverStream::new(receive)).await.unwrap();
    let mut answers = answer.into_inner();
    let mut results = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        results.extend(message.results);
    }
    let sent = sender.await.unwrap();
    assert_eq!(i64::try_from(results.len()).unwrap(), sent);
    for (n, result) in (0i64..).zip(&results) {
        assert_eq!((result.index, entry(result).points), (n, 1 + n % 7));
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn a_stream_ends_at_what_it_cannot_read_and_keeps_what_came_before() {
    let service = Service::start().await;
    let bad = EarnStreamRequest { requests: vec![EarnRequest { points: -1, ..earn(1) }] };
    let good = EarnStreamRequest { requests: vec![earn(0)] };
    let messages = tokio_stream::iter([good, bad]);
    let answer = service.points().earn_stream(Request::new(messages)).await.unwrap();
    let mut answers = answer.into_inner();
    let first = answers.message().await.unwrap().unwrap();
    assert_eq!(entry(&first.results[0]).points, 1);
    assert_eq!(answers.message().await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(service.balance("m0").await.spendable, 1);
    service.assert_sound().await;
}
