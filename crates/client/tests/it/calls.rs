//! One call: deadlines, retries, the request id.

use crate::server::{Fake, Reply};
use perennial_client::Channel;
use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_client::proto::loyalty::v1::{EarnBatchRequest, EarnRequest, GetBalanceRequest};
use perennial_client::tonic::{Code, Request};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The suite's own limit of a test on a loaded machine.
const LONG: Duration = Duration::from_mins(1);

async fn client(fake: &Fake) -> PointsServiceClient<Channel> {
    let channel = Channel::to(fake.url()).deadline(LONG).build().unwrap();
    channel.ready(LONG).await.unwrap();
    PointsServiceClient::new(channel)
}

fn refuse(code: Code) -> Reply {
    Reply::Refuse(code, None)
}

#[tokio::test]
async fn a_write_is_tried_again_under_the_same_request_id() {
    let fake = Fake::start().await;
    fake.script([Reply::Cut, refuse(Code::Unavailable), refuse(Code::Unavailable)]);
    client(&fake).await.earn(EarnRequest::default()).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen.len(), 4);
    let ids: BTreeSet<_> = seen.iter().map(|call| call.request_id.as_str()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(ids.first().unwrap().len(), 36);
    let told: Vec<_> = seen.iter().map(|c| c.headers.get("grpc-previous-rpc-attempts")).collect();
    assert_eq!(told[0], None);
    assert_eq!(told[3].unwrap(), "3");
}

#[tokio::test]
async fn a_request_id_of_the_caller_is_kept_and_two_calls_have_two() {
    let fake = Fake::start().await;
    let mut points = client(&fake).await;
    let mine = EarnRequest { request_id: "mine".into(), ..EarnRequest::default() };
    points.earn(mine).await.unwrap();
    points.earn(EarnRequest::default()).await.unwrap();
    points.earn(EarnRequest::default()).await.unwrap();
    let ids: Vec<_> = fake.seen().into_iter().map(|call| call.request_id).collect();
    assert_eq!(ids[0], "mine");
    assert_ne!(ids[1], ids[2]);
}

#[tokio::test]
async fn four_attempts_and_the_last_answer_is_told() {
    let fake = Fake::start().await;
    fake.usually(refuse(Code::Unavailable));
    let status = client(&fake).await.earn(EarnRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "as told"));
    assert_eq!(fake.calls(), 4);
}

#[tokio::test]
async fn attempts_can_be_turned_off() {
    let fake = Fake::start().await;
    fake.usually(refuse(Code::Unavailable));
    let channel = Channel::to(fake.url()).attempts(1).build().unwrap();
    let mut points = PointsServiceClient::new(channel);
    points.earn(EarnRequest::default()).await.unwrap_err();
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn what_will_not_pass_is_not_tried_again() {
    let fake = Fake::start().await;
    let mut points = client(&fake).await;
    let finals = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::FailedPrecondition,
        Code::PermissionDenied,
        Code::Internal,
        Code::Unknown,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::Aborted,
    ];
    for (n, code) in finals.into_iter().enumerate() {
        fake.script([refuse(code)]);
        let status = points.earn(EarnRequest::default()).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert_eq!(fake.calls(), n + 1, "{code:?}");
    }
}

#[tokio::test]
async fn pushback_is_honoured() {
    let fake = Fake::start().await;
    let mut points = client(&fake).await;
    for code in [Code::ResourceExhausted, Code::Aborted, Code::Unavailable] {
        fake.script([Reply::Refuse(code, Some("300"))]);
        let begun = Instant::now();
        points.earn(EarnRequest::default()).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(300), "{code:?} {:?}", begun.elapsed());
        let before = fake.calls();
        fake.script([Reply::Refuse(code, Some("-1"))]);
        points.earn(EarnRequest::default()).await.unwrap_err();
        assert_eq!(fake.calls(), before + 1, "{code:?} with a negative pushback");
    }
}

#[tokio::test]
async fn a_write_without_a_request_id_goes_out_once_and_a_read_again() {
    let fake = Fake::start().await;
    let mut points = client(&fake).await;
    fake.script([Reply::Cut]);
    let status = points.earn_batch(EarnBatchRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(fake.calls(), 1);
    fake.script([Reply::Cut]);
    points.get_balance(GetBalanceRequest::default()).await.unwrap();
    assert_eq!(fake.calls(), 3);
}

#[tokio::test]
async fn all_attempts_share_one_deadline() {
    let fake = Fake::start().await;
    let mut points = client(&fake).await;
    fake.script([refuse(Code::Unavailable), refuse(Code::Unavailable)]);
    fake.usually(Reply::Good(LONG));
    let mut request = Request::new(EarnRequest::default());
    request.set_timeout(Duration::from_secs(2));
    let begun = Instant::now();
    let status = points.earn(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    let told: Vec<u64> = fake
        .seen()
        .iter()
        .map(|call| call.headers["grpc-timeout"].to_str().unwrap().trim_end_matches('u').to_owned())
        .map(|text| text.parse().unwrap())
        .collect();
    // The pauses lie between: 50 and 100 ms, a fifth less at the least.
    assert!(told[0] <= 2_000_000, "{told:?}");
    assert!(told[1] + 40_000 <= told[0] && told[2] + 80_000 <= told[1], "{told:?}");
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let fake = Fake::start().await;
    fake.usually(Reply::Refuse(Code::Unavailable, Some("3600000")));
    let begun = Instant::now();
    let status = client(&fake).await.earn(EarnRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "the server's own answer");
    assert!(begun.elapsed() < LONG / 2);
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn retries_end_with_their_budget() {
    let fake = Fake::start().await;
    fake.usually(refuse(Code::Unavailable));
    let points = client(&fake).await;
    let (calls, begun) = (200, Instant::now());
    let all = (0..calls).map(|_| {
        let mut points = points.clone();
        async move { points.earn(EarnRequest::default()).await }
    });
    let failed = futures::future::join_all(all).await.iter().filter(|a| a.is_err()).count();
    assert_eq!(failed, calls);
    // Ten on hand, a tenth of the calls, and what a slow machine adds: one a second.
    let most = 10 + calls / 10 + usize::try_from(begun.elapsed().as_secs()).unwrap() * 2;
    let retries = fake.calls() - calls;
    assert!(retries > 0 && retries <= most, "{retries} retries of {calls} calls");
}
