//! Several endpoints: whose turn it is when they come, go and break.

use crate::server::{Fake, Reply};
use futures::future::BoxFuture;
use perennial_client::proto::loyalty::v1::EarnRequest;
use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_client::tonic::Code;
use perennial_client::{Channel, Resolve};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

const LONG: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_millis(5);

/// Calls without a pause, and without retries: what fails, failed.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn on(channel: &Channel) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let caller = || {
            let mut points = PointsServiceClient::new(channel.clone());
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match points.earn(EarnRequest::default()).await {
                        Ok(_) => drop(done.fetch_add(1, Ordering::Relaxed)),
                        Err(status) => failures.push(status.to_string()),
                    }
                }
                failures
            })
        };
        let callers = (0..8).map(|_| caller()).collect();
        Self { stop, done, callers }
    }

    /// Waits for this many more calls.
    async fn more(&self, calls: usize) {
        let goal = self.done.load(Ordering::Relaxed) + calls;
        while self.done.load(Ordering::Relaxed) < goal {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn failures(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for caller in self.callers {
            all.extend(caller.await.unwrap());
        }
        all
    }
}

async fn three() -> [Fake; 3] {
    let all = [Fake::start().await, Fake::start().await, Fake::start().await];
    for fake in &all {
        fake.usually(Reply::Good(WORK));
    }
    all
}

fn urls(fakes: &[Fake]) -> String {
    fakes.iter().map(Fake::url).collect::<Vec<_>>().join(",")
}

async fn channel(fakes: &[Fake], attempts: u32) -> Channel {
    let channel = Channel::to(urls(fakes)).attempts(attempts).deadline(LONG).build().unwrap();
    assert!(channel.wait_for(fakes.len(), LONG).await, "{channel:?}");
    channel
}

#[tokio::test]
async fn endpoints_take_calls_in_turn() {
    let fakes = three().await;
    let mut points = PointsServiceClient::new(channel(&fakes, 1).await);
    for _ in 0..30 {
        points.earn(EarnRequest::default()).await.unwrap();
    }
    assert_eq!(fakes.each_ref().map(Fake::calls), [10, 10, 10]);
}

#[tokio::test]
async fn a_rolling_stop_fails_no_call_without_retries() {
    let [a, b, c] = three().await;
    let places = [a.at, b.at, c.at];
    let mut fakes = vec![a, b, c];
    let channel = channel(&fakes, 1).await;
    let load = Load::on(&channel);
    for at in places {
        load.more(100).await;
        fakes.remove(0).stop().await;
        assert!(channel.wait_for(2, LONG).await);
        let again = Fake::on(at, true).await;
        again.usually(Reply::Good(WORK));
        fakes.push(again);
        assert!(channel.wait_for(3, LONG).await);
    }
    load.more(100).await;
    assert_eq!(load.failures().await, Vec::<String>::new());
    assert!(fakes.iter().all(|fake| fake.calls() > 0), "those that came back take calls");
}

#[tokio::test]
async fn an_endpoint_that_does_not_serve_ends_what_it_has_and_gets_nothing_new() {
    let fakes = [Fake::start().await, Fake::start().await];
    let channel = channel(&fakes, 1).await;
    for fake in &fakes {
        fake.script([Reply::Good(Duration::from_secs(1))]);
    }
    let long = [(); 2].map(|()| {
        let mut points = PointsServiceClient::new(channel.clone());
        tokio::spawn(async move { points.earn(EarnRequest::default()).await })
    });
    while fakes.iter().any(|fake| fake.calls() == 0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fakes[0].serve(false).await;
    assert!(channel.wait_for(1, LONG).await);
    let mut points = PointsServiceClient::new(channel.clone());
    for _ in 0..10 {
        points.earn(EarnRequest::default()).await.unwrap();
    }
    assert_eq!(fakes[0].calls(), 1, "only the call from before");
    for call in long {
        call.await.unwrap().unwrap();
    }
    fakes[0].serve(true).await;
    assert!(channel.wait_for(2, LONG).await);
}

#[tokio::test]
async fn a_killed_endpoint_costs_retries_and_no_call() {
    let mut fakes = Vec::from(three().await);
    let channel = channel(&fakes, 4).await;
    let load = Load::on(&channel);
    load.more(100).await;
    drop(fakes.remove(0));
    load.more(300).await;
    assert_eq!(channel.serving(), 2);
    assert_eq!(load.failures().await, Vec::<String>::new());
}

struct Named(Mutex<Vec<SocketAddr>>, AtomicUsize);

struct Shared(Arc<Named>);

impl Resolve for Shared {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        assert_eq!(host, "loyalty-headless");
        self.0.1.fetch_add(1, Ordering::Relaxed);
        let now = self.0.0.lock().unwrap().clone();
        Box::pin(
            async move { if now.is_empty() { Err(io::Error::other("gone")) } else { Ok(now) } },
        )
    }
}

fn named(sockets: &[SocketAddr], refresh: Duration) -> (Channel, Arc<Named>) {
    let names = Arc::new(Named(Mutex::new(sockets.to_vec()), AtomicUsize::new(0)));
    let channel = Channel::to("http://loyalty-headless:50053")
        .resolver(Shared(Arc::clone(&names)))
        .refresh(refresh)
        .attempts(1)
        .deadline(LONG);
    (channel.build().unwrap(), names)
}

#[tokio::test]
async fn what_a_name_stands_for_may_change() {
    let fakes = three().await;
    let (channel, names) = named(&[fakes[0].at], Duration::from_millis(50));
    channel.ready(LONG).await.unwrap();
    let load = Load::on(&channel);
    load.more(50).await;
    *names.0.lock().unwrap() = vec![fakes[1].at, fakes[2].at];
    while fakes[1].calls() == 0 || channel.serving() != 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = fakes[0].calls();
    // A name server that is away changes nothing.
    names.0.lock().unwrap().clear();
    load.more(100).await;
    assert_eq!(channel.serving(), 2);
    // Those that were under way when the name changed may have arrived later.
    assert!(fakes[0].calls() <= before + 8);
    assert_eq!(load.failures().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_endpoint_causes_a_look_up_at_once() {
    let (old, new) = (Fake::start().await, Fake::start().await);
    let (channel, names) = named(&[old.at], Duration::from_hours(1));
    channel.ready(LONG).await.unwrap();
    *names.0.lock().unwrap() = vec![new.at];
    drop(old);
    assert!(channel.wait_for(0, LONG).await);
    PointsServiceClient::new(channel).earn(EarnRequest::default()).await.unwrap();
    assert_eq!(new.calls(), 1);
}

#[tokio::test]
async fn a_server_without_health_counts_as_serving() {
    let fake = Fake::without_health().await;
    let channel = Channel::to(fake.url()).build().unwrap();
    PointsServiceClient::new(channel).earn(EarnRequest::default()).await.unwrap();
}

#[tokio::test]
async fn when_nothing_serves_the_call_says_why() {
    let fake = Fake::start().await;
    fake.serve(false).await;
    let patience = Duration::from_millis(500);
    let channel = Channel::to(fake.url()).patience(patience).build().unwrap();
    let status = PointsServiceClient::new(channel).earn(EarnRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("NOT_SERVING"), "{status}");
}
