//! Many callers at once: nothing is spent twice, nothing is lost.

use crate::fixture::Service;
use chrono::TimeDelta;
use futures::future::join_all;
use perennial_proto::loyalty::v1::{
    CaptureRequest, EarnRequest, HoldRequest, ReverseRequest, SpendRequest, VoidRequest,
};
use perennial_testkit::Random;

const ROUNDS: usize = 40;
const READERS: usize = 4;
const READS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_is_never_spent_twice() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let spends = (0..50).map(|_| service.spend("ann", 10));
    let answers = join_all(spends).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!(service.balance("ann").await.spendable, 0);
    service.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hot_account_loses_nothing() {
    let service = Service::start().await;
    let earns = (0..500).map(|n| {
        let mut points = service.points();
        async move {
            // Every request is sent twice; every second pair under one business event as well.
            let request = EarnRequest {
                request_id: format!("r{}", n / 2),
                user_id: "hot".to_owned(),
                points: 1,
                ..Default::default()
            };
            points.earn(request).await.unwrap()
        }
    });
    let answers = join_all(earns).await;
    let replayed = answers.iter().filter(|answer| answer.get_ref().replayed).count();
    assert_eq!(replayed, 250);
    assert_eq!(service.balance("hot").await.spendable, 250);
    service.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_under_fresh_request_ids_is_applied_once() {
    let service = Service::start().await;
    let earns = (0..64).map(|n| {
        let mut points = service.points();
        async move {
            let request = EarnRequest {
                request_id: format!("fresh-{n}"),
                user_id: "ann".to_owned(),
                points: 10,
                source: "shop".to_owned(),
                source_event_id: "order-1".to_owned(),
                ..Default::default()
            };
            points.earn(request).await.unwrap().into_inner().entry.unwrap().entry_id
        }
    });
    let mut ids = join_all(earns).await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(service.balance("ann").await.spendable, 10);
}

/// What one caller does, again and again, to members it shares with the others.
async fn caller(service: &Service, seed: u64) -> i64 {
    let mut random = Random::new(seed);
    let (mut holds, mut entries) = (Vec::new(), Vec::new());
    let mut earned = 0;
    for _ in 0..40 {
        let user_id = format!("m{}", random.below(4));
        let points = 1 + i64::try_from(random.below(20)).unwrap();
        let mut client = service.points();
        match random.below(6) {
            0 | 1 => {
                let request = EarnRequest { user_id, points, ..Default::default() };
                let entry = client.earn(request).await.unwrap().into_inner().entry.unwrap();
                earned += points;
                entries.push(entry.entry_id);
            }
            2 => {
                let request = SpendRequest { user_id, points, ..Default::default() };
                if let Ok(answer) = client.spend(request).await {
                    entries.push(answer.into_inner().entry.unwrap().entry_id);
                }
            }
            3 => {
                let request = HoldRequest { user_id, points, ..Default::default() };
                if let Ok(answer) = client.hold(request).await {
                    holds.push(answer.into_inner().hold_id);
                }
            }
            4 => match holds.pop() {
                Some(hold_id) if points % 2 == 0 => {
                    let request = CaptureRequest { hold_id, points: 1, ..Default::default() };
                    client.capture(request).await.unwrap();
                }
                Some(hold_id) => {
                    let request = VoidRequest { hold_id, ..Default::default() };
                    client.void(request).await.unwrap();
                }
                None => {}
            },
            _ => {
                if let Some(entry_id) = entries.pop() {
                    let request = ReverseRequest { entry_id, points: 1, ..Default::default() };
                    client.reverse(request).await.unwrap();
                }
            }
        }
    }
    earned
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_many_callers_do_points_are_conserved() {
    let service = Service::start().await;
    let callers = (0..16).map(|seed| caller(&service, seed));
    let earned: i64 = join_all(callers).await.into_iter().sum();
    let mut issued = 0;
    for n in 0..4 {
        issued += service.balance(&format!("m{n}")).await.issued;
    }
    assert_eq!(issued, earned);
    service.assert_sound().await;
}

/// Balances come from several statements, and a job that lets a hold go may commit between any two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_read_beside_the_job_that_lets_a_hold_go_shows_all_of_it() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    for _ in 0..ROUNDS {
        let timeout = Some(prost_types::Duration { seconds: 600, nanos: 0 });
        let (user_id, points) = ("ann".to_owned(), 60);
        let request = HoldRequest { user_id, points, timeout, ..Default::default() };
        service.points().hold(request).await.unwrap();
        service.suite.clock.advance(TimeDelta::minutes(10));
        let reads = (0..READERS).map(|_| async {
            for _ in 0..READS {
                let balance = service.balance("ann").await;
                // It is over, whether or not the job has written it down.
                assert_eq!((balance.spendable, balance.held), (100, 0));
            }
        });
        tokio::join!(service.suite.settle(), join_all(reads));
    }
    service.assert_sound().await;
}
