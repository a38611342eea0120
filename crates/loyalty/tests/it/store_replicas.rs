//! Two replicas on one database do between them what one would do.

use crate::fixture::Service;
use futures::future::join_all;
use perennial_proto::loyalty::v1::{EarnRequest, PointsExpired};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_never_spend_the_same_points() {
    let one = Service::start().await;
    let other = one.replica().await;
    one.earn("ann", 100).await;
    let spends = (0..60).map(|n| if n % 2 == 0 { &one } else { &other }.spend("ann", 10));
    let answers = join_all(spends).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_sent_to_both_is_carried_out_once() {
    let one = Service::start().await;
    let other = one.replica().await;
    let earns = (0..120).map(|n| {
        let mut points = if n % 2 == 0 { one.points() } else { other.points() };
        let request = EarnRequest {
            request_id: format!("r{}", n / 2),
            user_id: format!("m{}", n / 2 % 5),
            points: 1,
            ..Default::default()
        };
        async move { points.earn(request).await.unwrap().into_inner() }
    });
    let answers = join_all(earns).await;
    assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 60);
    let mut issued = 0;
    for n in 0..5 {
        issued += one.balance(&format!("m{n}")).await.issued;
    }
    assert_eq!(issued, 60);
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_falls_due_is_written_down_once() {
    let one = Service::start().await;
    let other = one.replica().await;
    for n in 0..50 {
        one.earn(&format!("m{n}"), 1).await;
    }
    one.wait_days(366);
    other.wait_days(366);
    tokio::join!(one.suite.settle(), other.suite.settle());
    // Whoever did not get the lease looks once more.
    tokio::join!(one.suite.settle(), other.suite.settle());
    assert_eq!(one.suite.events_of::<PointsExpired>().await.len(), 50);
    one.assert_sound().await;
}
