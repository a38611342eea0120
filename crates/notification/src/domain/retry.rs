//! When a failed hand-over is tried again (product row NT-12).

use super::spread;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Waits between attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Seconds to wait after the first, second, ... failed attempt. After the last one the
    /// message is dead. The default is Svix's published schedule: 8 attempts in about 27.6 hours.
    pub delays_seconds: Vec<u32>,
    /// Each wait is made longer or shorter by up to this many per cent.
    pub jitter_percent: u8,
    /// Least wait when the other side says it has too much to do (429) or timed out.
    pub slow_down_seconds: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delays_seconds: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 36_000],
            jitter_percent: 20,
            slow_down_seconds: 60,
        }
    }
}

/// Why a hand-over did not work, as far as the next attempt depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// Try again after the usual wait.
    Later,
    /// Try again, but not soon: overloaded or timed out. Seconds, if the other side named them.
    SlowDown(Option<u32>),
    /// Trying again cannot help.
    Never,
}

impl RetryPolicy {
    /// Wait before the next attempt after `attempts` failed ones, or `None` when there is none.
    ///
    /// What the other side asks for (Retry-After) is honoured between the usual wait and twice
    /// that, so that it can neither hurry nor park the queue.
    pub fn wait(&self, id: Uuid, attempts: u32, setback: Setback) -> Option<TimeDelta> {
        let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let usual = *self.delays_seconds.get(index)?;
        let seconds = match setback {
            Setback::Never => return None,
            Setback::Later => usual,
            Setback::SlowDown(asked) => {
                let least = usual.max(self.slow_down_seconds);
                asked.unwrap_or(least).clamp(least, least.saturating_mul(2))
            }
        };
        let reach = i64::from(seconds) * 1_000 * i64::from(self.jitter_percent.min(100)) / 100;
        let width = u64::try_from(2 * reach + 1).unwrap_or(1);
        let shift = i64::try_from(spread::below(id, attempts, width)).unwrap_or(0) - reach;
        Some(TimeDelta::milliseconds(i64::from(seconds) * 1_000 + shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_followed_with_jitter_and_ends() {
        let policy = RetryPolicy::default();
        let id = Uuid::from_u128(7);
        for (n, delay) in policy.delays_seconds.iter().enumerate() {
            let attempts = u32::try_from(n).unwrap() + 1;
            let wait = policy.wait(id, attempts, Setback::Later).unwrap().num_milliseconds();
            let delay = i64::from(*delay) * 1_000;
            assert!((delay * 8 / 10..=delay * 12 / 10).contains(&wait), "{attempts}: {wait}");
        }
        assert_eq!(policy.wait(id, 8, Setback::Later), None);
        assert_eq!(policy.wait(id, 1, Setback::Never), None);
    }

    #[test]
    fn retry_after_is_clamped() {
        let policy = RetryPolicy { jitter_percent: 0, ..RetryPolicy::default() };
        let wait = |attempts, asked| {
            let setback = Setback::SlowDown(asked);
            policy.wait(Uuid::nil(), attempts, setback).unwrap().num_seconds()
        };
        assert_eq!(wait(1, None), 60, "at least a minute");
        assert_eq!(wait(1, Some(90)), 90);
        assert_eq!(wait(1, Some(86_400)), 120, "at most twice the wait");
        assert_eq!(wait(2, Some(1)), 300, "never sooner than usual");
    }
}
