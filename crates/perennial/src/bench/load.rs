//! A closed loop of callers: each sends its next call when the last one was answered.

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
    let mut times: Vec<Duration> = times?.into_iter().flatten().collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 calls")]
    let rate = times.len() as f64 / time.as_secs_f64();
    Ok(Measured { rate, median: at(50), p99: at(99) })
}
