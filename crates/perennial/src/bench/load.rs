//! A closed loop of callers: each sends its next call when the last one was answered.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tonic::Status;

/// Callers at once in every measurement.
pub(super) const CALLERS: u64 = 64;

/// Time before counting begins: connections, caches, the first rows.
const WARM_UP: Duration = Duration::from_secs(1);

/// What a measurement saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Calls answered in a second.
    pub(super) rate: f64,
    /// Median time of a call.
    pub(super) median: Duration,
    /// Time that 99 of 100 calls stayed below.
    pub(super) p99: Duration,
}

/// Lets all callers call for `time`. `call` gets a number that no other call has. The first
/// failed call ends the measurement.
pub(super) async fn measure<F>(time: Duration, call: F) -> Result<Measured, Status>
where
    F: AsyncFn(u64) -> Result<(), Status> + Clone,
{
    let next = Arc::new(AtomicU64::new(0));
    let counting = Arc::new(AtomicBool::new(false));
    let end = Instant::now() + WARM_UP + time;
    let callers = (0..CALLERS).map(|_| {
        let (call, next, counting) = (call.clone(), Arc::clone(&next), Arc::clone(&counting));
        async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                call(next.fetch_add(1, Ordering::Relaxed)).await?;
                if counting.load(Ordering::Relaxed) {
                    times.push(start.elapsed());
                }
            }
            Ok::<_, Status>(times)
        }
    });
    let begin = async {
        tokio::time::sleep(WARM_UP).await;
        counting.store(true, Ordering::Relaxed);
    };
    let (times, ()) = tokio::join!(futures::future::try_join_all(callers), begin);
    Ok(summary(times?.into_iter().flatten().collect(), time))
}

/// Calls at a steady rate, whatever the answers take, for `time`. A call's time counts from when
/// it was due, so that one that had to wait for its turn is not left out of the figures.
pub(super) async fn paced<F>(rate: f64, time: Duration, call: F) -> Result<Measured, Status>
where
    F: AsyncFn(u64) -> Result<(), Status>,
{
    let start = Instant::now() + Duration::from_millis(1);
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 calls")]
    let due = |n: u64| start + Duration::from_secs_f64(n as f64 / rate);
    let call = &call;
    let mut waiting = FuturesUnordered::new();
    let (mut next, mut times) = (0, Vec::new());
    while start.elapsed() < time || !waiting.is_empty() {
        while start.elapsed() < time && due(next) <= Instant::now() {
            let (n, due) = (next, due(next));
            waiting.push(async move { call(n).await.map(|()| due.elapsed()) });
            next += 1;
        }
        tokio::select! {
            Some(took) = waiting.next() => times.push(took?),
            () = tokio::time::sleep_until(due(next).into()), if start.elapsed() < time => {}
        }
    }
    Ok(summary(times, time))
}

fn summary(mut times: Vec<Duration>, time: Duration) -> Measured {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 calls")]
    let rate = times.len() as f64 / time.as_secs_f64();
    Measured { rate, median: at(50), p99: at(99) }
}
