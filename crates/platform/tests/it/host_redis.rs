//! Redis speeds things up and may go at any moment. Runs when PERENNIAL_TEST_REDIS_URL names a
//! server (`make test` does); the network between us and it is cut and mended here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::DateTime;
use perennial_platform::clock::Clock;
use perennial_platform::config::PlatformConfig;
use perennial_platform::host::Host;
use perennial_platform::limits::Rate;
use perennial_platform::process::Process;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::host_support::{eventually, spawn};

/// Stands between us and Redis, so that the connection can be cut.
struct Wire {
    to: String,
    address: SocketAddr,
    running: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Wire {
    async fn connected(to: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Self { to, address, running: Arc::default() };
        wire.carry(listener);
        wire
    }

    fn carry(&self, listener: TcpListener) {
        let (to, running) = (self.to.clone(), Arc::clone(&self.running));
        let accept = spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let to = to.clone();
                let copy = spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                running.lock().unwrap().push(copy.abort_handle());
            }
        });
        self.running.lock().unwrap().push(accept.abort_handle());
    }

    fn cut(&self) {
        for task in self.running.lock().unwrap().drain(..) {
            task.abort();
        }
    }

    async fn mend(&self) {
        // The old listener goes when its aborted task is dropped.
        for _ in 0..50 {
            if let Ok(listener) = TcpListener::bind(self.address).await {
                return self.carry(listener);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the port did not come free");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told where Redis is")]
fn redis_address() -> Option<String> {
    let url = std::env::var("PERENNIAL_TEST_REDIS_URL").ok()?;
    Some(url.trim_start_matches("redis://").split('/').next()?.to_owned())
}

/// Two processes that reach the same Redis, the first over a wire.
async fn replicas() -> Option<(Wire, [Host; 2])> {
    let direct = redis_address()?;
    let wire = Wire::connected(direct.clone()).await;
    let data = tempfile::tempdir().unwrap();
    let host = |address: &str| {
        let mut config = PlatformConfig { data: data.path().to_owned(), ..Default::default() };
        config.redis.url = Some(format!("redis://{address}/0").into());
        let process = Process::new(&config, Clock::manual(DateTime::UNIX_EPOCH)).unwrap();
        Host::new(&process, "test", (Ipv4Addr::LOCALHOST, 0).into()).unwrap()
    };
    let hosts = [host(&wire.address.to_string()), host(&direct)];
    Some((wire, hosts))
}

fn unique(name: &str) -> String {
    format!("{name}:{}", uuid::Uuid::new_v4())
}

#[tokio::test]
async fn a_rate_is_one_for_all_replicas_and_local_while_redis_is_gone() {
    let Some((wire, [near, far])) = replicas().await else { return };
    let (near, far, key) = (near.limits(), far.limits(), unique("limit"));
    let rate = Rate { per_second: 1, burst: 2 };
    // The first use connects; a slow one would be counted locally.
    eventually(async || near.take(&unique("warm"), rate).await.is_ok()).await;
    near.take(&key, rate).await.unwrap();
    far.take(&key, rate).await.unwrap();
    assert_eq!(near.take(&key, rate).await.unwrap_err().reason(), "RATE_LIMITED");
    wire.cut();
    near.take(&key, rate).await.expect("a count of its own");
    assert!(far.take(&key, rate).await.is_err());
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_cache_is_shared_and_empty_while_redis_is_gone() {
    let Some((wire, [near, far])) = replicas().await else { return };
    let (near, far, key) = (near.cache(), far.cache(), unique("cache"));
    far.put(&key, &7, MINUTE).await;
    eventually(async || near.get::<u32>(&key).await == Some(7)).await;

    wire.cut();
    eventually(async || near.get::<u32>(&key).await.is_none()).await;
    let started = Instant::now();
    for _ in 0..100 {
        near.put(&key, &8, MINUTE).await;
        assert_eq!(near.get::<u32>(&key).await, None);
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(far.get::<u32>(&key).await, Some(7));

    wire.mend().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while near.get::<u32>(&key).await != Some(7) {
        assert!(Instant::now() < deadline, "does not come back by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    near.forget(&key).await;
    assert_eq!(far.get::<u32>(&key).await, None);
}

#[tokio::test]
async fn a_wake_up_reaches_the_other_replica_and_after_an_outage_again() {
    let Some((wire, [near, far])) = replicas().await else { return };
    let topic = unique("topic");
    let mut listener = near.wake().listen(&topic);
    let woken = async |listener: &mut perennial_platform::wake::WakeListener| {
        far.wake().notify(&topic);
        tokio::time::timeout(Duration::from_millis(200), listener.wait()).await.is_ok()
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while !woken(&mut listener).await {
        assert!(Instant::now() < deadline, "not woken");
    }
    wire.cut();
    near.wake().notify(&topic);
    tokio::time::timeout(MINUTE, listener.wait()).await.expect("local wake-ups need no Redis");
    wire.mend().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while !woken(&mut listener).await {
        assert!(Instant::now() < deadline, "not woken after the outage");
    }
}
