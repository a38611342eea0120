//! A cache for answers of other services: shared over Redis, or in the memory of the process.
//!
//! It is never the truth: everything works with an empty cache, and nothing fails when it is
//! gone. Entries end by the suite's clock, so that simulated time ends them as well.

use chrono::{DateTime, Utc};
use moka::future::Cache as Memory;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::redis::Redis;

/// Entries kept in memory; the least used go first.
const CAPACITY: u64 = 100_000;

/// A cache of JSON values by string key. Cloning shares it.
#[derive(Clone)]
pub struct Cache {
    clock: Clock,
    store: Store,
}

#[derive(Clone)]
enum Store {
    Memory(Memory<String, String>),
    Redis(Redis),
}

/// What is stored: the value and when it ends.
#[derive(Serialize, Deserialize)]
struct Entry<T> {
    until: DateTime<Utc>,
    value: T,
}

impl Cache {
    /// Over Redis when there is one, in memory otherwise.
    pub fn new(clock: Clock, redis: Option<Redis>) -> Self {
        let store = redis.map_or_else(|| Store::Memory(Memory::new(CAPACITY)), Store::Redis);
        Self { clock, store }
    }

    /// The value stored under `key`, unless it ended, was never there or cannot be had now.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = match &self.store {
            Store::Memory(memory) => memory.get(key).await?,
            Store::Redis(redis) => {
                let mut connection = redis.connection();
                let command = redis::Cmd::get(name(key));
                redis
                    .attempt::<Option<String>>(
                        async move { command.query_async(&mut connection).await },
                    )
                    .await??
            }
        };
        // An entry written by an older version of the program counts as absent.
        let entry: Entry<T> = serde_json::from_str(&text).ok()?;
        (entry.until > self.clock.now()).then_some(entry.value)
    }

    /// Stores `value` for `ttl`. A value that cannot be stored is simply not cached.
    pub async fn put<T: Serialize>(&self, key: &str, value: &T, ttl: std::time::Duration) {
        let until = chrono::TimeDelta::from_std(ttl)
            .ok()
            .and_then(|ttl| self.clock.now().checked_add_signed(ttl));
        let Some(until) = until else { return };
        let Ok(text) = serde_json::to_string(&Entry { until, value }) else {
            return;
        };
        match &self.store {
            Store::Memory(memory) => memory.insert(key.to_owned(), text).await,
            Store::Redis(redis) => {
                let mut connection = redis.connection();
                let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
                let command = redis::Cmd::pset_ex(name(key), text, milliseconds);
                redis
                    .attempt::<()>(async move { command.query_async(&mut connection).await })
                    .await;
            }
        }
    }

    /// Drops what is stored under `key`, on all replicas when Redis is there.
    pub async fn forget(&self, key: &str) {
        match &self.store {
            Store::Memory(memory) => memory.invalidate(key).await,
            Store::Redis(redis) => {
                let mut connection = redis.connection();
                let command = redis::Cmd::del(name(key));
                redis
                    .attempt::<()>(async move { command.query_async(&mut connection).await })
                    .await;
            }
        }
    }
}

fn name(key: &str) -> String {
    format!("perennial:cache:{key}")
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn an_entry_ends_by_the_suites_clock() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let cache = Cache::new(clock.clone(), None);
        cache.put("k", &7_u32, Duration::from_mins(1)).await;
        clock.advance(chrono::TimeDelta::seconds(59));
        assert_eq!(cache.get::<u32>("k").await, Some(7));
        clock.advance(chrono::TimeDelta::seconds(1));
        assert_eq!(cache.get::<u32>("k").await, None);
    }

    #[tokio::test]
    async fn a_forgotten_or_unreadable_entry_is_absent() {
        let cache = Cache::new(Clock::manual(DateTime::UNIX_EPOCH), None);
        cache.put("k", &"text", Duration::from_mins(1)).await;
        assert_eq!(cache.get::<u32>("k").await, None);
        assert_eq!(cache.get::<String>("k").await.as_deref(), Some("text"));
        cache.forget("k").await;
        assert_eq!(cache.get::<String>("k").await, None);
    }
}
