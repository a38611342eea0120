//! Rate limits, counted over all replicas by Redis and per process without it.
//!
//! The rule is the generic cell rate algorithm (ITU-T I.371, a token bucket that needs one number
//! per key): each admitted call moves the key's "theoretical arrival time" one interval ahead; a
//! call that would move it more than a burst ahead of now is refused and told how long to wait.
//! Limits protect the machine, not the product, so they go by real time, not the suite's clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::redis::Redis;
use crate::telemetry;

/// Keys remembered in memory before those at rest are dropped.
const REMEMBERED: usize = 10_000;

/// The rule below, run inside Redis by Redis's own time (microseconds). Answers the time to wait.
const SCRIPT: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = arrival + interval - now - interval * burst
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', arrival + interval),
           'PX', math.ceil((arrival + interval - now) / 1000) + 1)
return 0";

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls a second in the long run; at least 1.
    pub per_second: u32,
    /// Calls at once after a rest; at least 1.
    pub burst: u32,
}

impl Rate {
    /// So many a second, with bursts of twice as many.
    pub fn per_second(per_second: u32) -> Self {
        Self { per_second, burst: per_second.saturating_mul(2) }
    }

    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }
}

/// The limits of this process. Cloning shares them.
#[derive(Clone)]
pub struct Limits {
    redis: Option<Redis>,
    script: Arc<redis::Script>,
    started: Instant,
    arrivals: Arc<Mutex<HashMap<String, Duration>>>,
}

impl Limits {
    /// Counted in Redis when there is one (in memory while it is away), in memory otherwise.
    pub fn new(redis: Option<Redis>) -> Self {
        Self {
            redis,
            script: Arc::new(redis::Script::new(SCRIPT)),
            started: Instant::now(),
            arrivals: Arc::default(),
        }
    }

    /// Counts one call under `key`. Errors: RESOURCE_EXHAUSTED / RATE_LIMITED with the time to
    /// wait.
    pub async fn take(&self, key: &str, rate: Rate) -> Result<()> {
        let wait = match self.ask_redis(key, rate).await {
            Some(wait) => wait,
            None => self.take_locally(key, rate, self.started.elapsed()),
        };
        if wait.is_zero() {
            return Ok(());
        }
        telemetry::shed("rate");
        Err(Error::exhausted("RATE_LIMITED", "too many calls; wait before the next")
            .with("calls_per_second", rate.per_second)
            .retry_after(wait))
    }

    async fn ask_redis(&self, key: &str, rate: Rate) -> Option<Duration> {
        let redis = self.redis.as_ref()?;
        let mut connection = redis.connection();
        let mut invocation = self.script.key(format!("perennial:limit:{key}"));
        invocation.arg(rate.interval().as_secs_f64() * 1e6).arg(rate.burst.max(1));
        let microseconds: u64 =
            redis.attempt(async move { invocation.invoke_async(&mut connection).await }).await?;
        Some(Duration::from_micros(microseconds))
    }

    fn take_locally(&self, key: &str, rate: Rate, now: Duration) -> Duration {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() >= REMEMBERED {
            arrivals.retain(|_, arrival| *arrival > now);
        }
        let arrival = arrivals.entry(key.to_owned()).or_default();
        match admit(*arrival, now, rate) {
            Ok(next) => {
                *arrival = next;
                Duration::ZERO
            }
            Err(wait) => wait,
        }
    }
}

/// The next theoretical arrival time, or how long to wait.
fn admit(arrival: Duration, now: Duration, rate: Rate) -> Result<Duration, Duration> {
    let next = arrival.max(now) + rate.interval();
    let wait = next.saturating_sub(now + rate.interval() * rate.burst.max(1));
    if wait.is_zero() { Ok(next) } else { Err(wait) }
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_passes_then_one_per_interval() {
        let limits = Limits::new(None);
        let at = Duration::from_secs(5);
        for _ in 0..3 {
            assert_eq!(limits.take_locally("a", RATE, at), Duration::ZERO);
        }
        assert_eq!(limits.take_locally("a", RATE, at), Duration::from_millis(100));
        let later = at + Duration::from_millis(100);
        assert_eq!(limits.take_locally("a", RATE, later), Duration::ZERO);
        assert!(limits.take_locally("a", RATE, later) > Duration::ZERO);
    }

    #[test]
    fn keys_do_not_share() {
        let limits = Limits::new(None);
        for _ in 0..3 {
            limits.take_locally("a", RATE, Duration::ZERO);
        }
        assert!(limits.take_locally("a", RATE, Duration::ZERO) > Duration::ZERO);
        assert_eq!(limits.take_locally("b", RATE, Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_refusal_says_how_long_to_wait() {
        let limits = Limits::new(None);
        let rate = Rate { per_second: 1, burst: 1 };
        limits.take("a", rate).await.unwrap();
        let error = limits.take("a", rate).await.unwrap_err();
        assert_eq!(error.reason(), "RATE_LIMITED");
    }
}
