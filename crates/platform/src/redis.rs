//! The connection to Redis: quick or not at all.
//!
//! Redis speeds things up and is never the truth. So every use has an answer for "Redis does not
//! say": [`Redis::attempt`] gives `None` after 100 ms at most, and for a second after a failure
//! it gives `None` at once, so that an outage costs nothing. The connection comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, TlsCertificates};
use secrecy::ExposeSecret;

use crate::config::RedisConfig;
use crate::error::{Code, Error, Result};

/// Longest time that a call of ours waits for Redis.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long Redis is left alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest time for opening a connection, in the background.
const CONNECT: Duration = Duration::from_secs(1);

/// A Redis that may be away. Cloning shares the connection.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    manager: ConnectionManager,
    state: Arc<State>,
}

/// Until when Redis is taken for down, in milliseconds since `started`; 0 while it is up.
struct State {
    started: Instant,
    down_until: AtomicU64,
}

impl Redis {
    /// Prepares the connection named in the settings, `None` without one. Connects on first use;
    /// an unreachable server is no error, an unreadable URL is (INVALID_ARGUMENT / REDIS_URL), or
    /// an unreadable `ca` (FILE_UNREADABLE).
    pub fn open(config: &RedisConfig) -> Result<Option<Self>> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let refuse = |error: redis::RedisError| {
            Error::new(Code::InvalidArgument, "REDIS_URL", format!("redis.url: {error}"))
        };
        // Without a process-wide provider TLS cannot be set up; a second install is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match &config.ca {
            None => Client::open(url.expose_secret()),
            Some(ca) => {
                let root_cert = Some(crate::files::read(ca)?);
                let certificates = TlsCertificates { client_tls: None, root_cert };
                Client::build_with_tls(url.expose_secret(), certificates)
            }
        };
        let client = client.map_err(refuse)?;
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(PATIENCE)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(PATIENCE));
        let manager = client.get_connection_manager_lazy(settings).map_err(refuse)?;
        let state = Arc::new(State { started: Instant::now(), down_until: AtomicU64::new(0) });
        tell(&state);
        Ok(Some(Self { client, manager, state }))
    }

    /// A handle for building the future that [`Self::attempt`] runs.
    pub fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// For subscriptions, which need a connection of their own.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs one exchange with Redis; `None` when Redis is away, slow, or says no.
    pub async fn attempt<T>(&self, work: impl Future<Output = RedisResult<T>>) -> Option<T> {
        let now = self.milliseconds();
        if now < self.state.down_until.load(Ordering::Relaxed) {
            return None;
        }
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(value)) => {
                self.note_up();
                Some(value)
            }
            Ok(Err(error)) => self.note_down(&error.to_string()),
            Err(_) => self.note_down("no answer within 100 ms"),
        }
    }

    fn note_up(&self) {
        if self.state.down_until.swap(0, Ordering::Relaxed) != 0 {
            tracing::info!("redis is back");
        }
    }

    fn note_down<T>(&self, why: &str) -> Option<T> {
        let until = self.milliseconds() + u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        if self.state.down_until.swap(until, Ordering::Relaxed) == 0 {
            tracing::warn!(why, "redis is away; going on without it");
        }
        None
    }

    /// Since the start; at least 1, so that 0 can mean "up".
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.state.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// Tells whether the last exchange with Redis worked, whenever metrics are collected.
fn tell(state: &Arc<State>) {
    let state = Arc::downgrade(state);
    opentelemetry::global::meter("perennial")
        .u64_observable_gauge("perennial.redis.up")
        .with_description("Whether the last exchange with Redis worked; 1 before the first")
        .with_callback(move |told| {
            if let Some(state) = state.upgrade() {
                told.observe(u64::from(state.down_until.load(Ordering::Relaxed) == 0), &[]);
            }
        })
        .build();
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
