//! What exists once in an operating system process, however many services it runs.
//!
//! Limits, background work and the end of the process are matters of the process, not of a
//! service; so four [`Host`]s of an all-in-one share one [`Process`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use crate::auth::Auth;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{PlatformConfig, ServerConfig};
use crate::db::Db;
use crate::error::{Code, Error, Result};
use crate::events::Peer;
use crate::host::{Credentials, Gate, Host, PeerChannel};
use crate::limits::Limits;
use crate::page::Pages;
use crate::redis::Redis;
use crate::tasks::Tasks;
use crate::tls::{PeerTls, ServerTls};
use crate::vault::{self, Vault};
use crate::wake::Wake;
use crate::work::{Worker, Workers};

/// The shared parts of a process. Cloning shares them.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    data: PathBuf,
    server: ServerConfig,
    clock: Clock,
    clock_moves: AsyncMutex<()>,
    vault: Vault,
    pages: Pages,
    cache: Cache,
    wake: Wake,
    limits: Limits,
    gate: Gate,
    auth: Auth,
    tls: Option<ServerTls>,
    peers: Peers,
    tasks: Tasks,
    workers: Workers,
    databases: Mutex<Vec<Db>>,
}

struct Peers {
    identity: PeerChannel,
    feedback: PeerChannel,
    loyalty: PeerChannel,
    notification: PeerChannel,
}

impl Process {
    /// Builds the shared parts from the settings; connects to nothing yet, but for the keys of a
    /// token issuer. Needs a runtime.
    ///
    /// Errors: INVALID_ARGUMENT for settings and files that cannot be meant; INTERNAL when the key file in
    /// the data folder cannot be read or made.
    pub fn new(config: &PlatformConfig, clock: Clock) -> Result<Self> {
        let auth = Auth::new(&config.auth)?;
        if auth.is_open() {
            tracing::warn!("open to everybody on this machine: no auth.tokens");
        }
        let tls = server_tls(config)?;
        let peers = Peers::new(config)?;
        let redis = Redis::open(&config.redis)?;
        let vault = Vault::new(&vault::master_key(config.master_key.as_ref(), &config.data)?)?;
        let tasks = Tasks::new();
        if let Some(follow) = auth.follow() {
            let stop = tasks.stopping().clone();
            tasks.spawn(async move { stop.run_until_cancelled(follow).await });
        }
        Ok(Self(Arc::new(Inner {
            data: config.data.clone(),
            server: config.server.clone(),
            pages: Pages::new(vault.clone()),
            vault,
            cache: Cache::new(clock.clone(), redis.clone()),
            wake: Wake::new(&tasks, redis.clone()),
            limits: Limits::new(redis),
            gate: Gate::new(&config.server),
            auth,
            tls,
            peers,
            tasks,
            workers: Workers::default(),
            databases: Mutex::default(),
            clock,
            clock_moves: AsyncMutex::new(()),
        })))
    }

    /// Serves all hosts and runs all background work until a signal (SIGTERM or SIGINT) or
    /// [`Tasks::stop`], then ends everything in order.
    ///
    /// Errors: the first of a host; ABORTED / SHUTDOWN_ABORTED at a second signal and
    /// DEADLINE_EXCEEDED / SHUTDOWN_TIMEOUT `server.shutdown_seconds` after the first. After an
    /// error tasks may still run: exit.
    pub async fn run(&self, hosts: Vec<Host>) -> Result<()> {
        let mut signals = Signals::new()?;
        let mut work = std::pin::pin!(self.run_until_stopped(hosts));
        tokio::select! {
            outcome = work.as_mut() => return outcome,
            () = signals.next() => tracing::info!("stopping"),
        }
        self.tasks().stop();
        let patience = Duration::from_secs(self.server().shutdown_seconds);
        tokio::select! {
            outcome = work.as_mut() => outcome,
            () = signals.next() => {
                Err(Error::aborted("SHUTDOWN_ABORTED", "a second signal ended the process"))
            }
            () = tokio::time::sleep(patience) => {
                let message = "the process did not end within server.shutdown_seconds";
                Err(Error::new(Code::DeadlineExceeded, "SHUTDOWN_TIMEOUT", message))
            }
        }
    }

    async fn run_until_stopped(&self, hosts: Vec<Host>) -> Result<()> {
        for worker in self.0.workers.list() {
            self.0.tasks.spawn(worker.run(self.0.tasks.stopping().clone()));
        }
        let served = join_all(hosts.into_iter().map(|host| self.serve(host))).await;
        self.end().await;
        served.into_iter().collect()
    }

    /// One host that fails ends the others too.
    async fn serve(&self, host: Host) -> Result<()> {
        let outcome = host.serve().await;
        self.0.tasks.stop();
        outcome
    }

    /// Stops background work at its next border and closes the databases.
    pub async fn end(&self) {
        self.0.tasks.stop();
        // Workers hold the committers' other ends; a committer goes on until the last is gone.
        self.0.workers.clear();
        self.0.tasks.ended().await;
        let databases = std::mem::take(&mut *self.databases());
        for db in databases {
            db.close().await;
        }
    }

    /// Background work: told to stop here.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// The jobs and consumers of all services.
    pub fn workers(&self) -> &Workers {
        &self.0.workers
    }

    /// The suite's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.0.wake
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(crate) fn tls(&self) -> Option<&ServerTls> {
        self.0.tls.as_ref()
    }

    pub(crate) fn server(&self) -> &ServerConfig {
        &self.0.server
    }

    pub(crate) fn data(&self) -> &Path {
        &self.0.data
    }

    pub(crate) fn peer(&self, peer: Peer) -> PeerChannel {
        let peers = &self.0.peers;
        match peer {
            Peer::Identity => peers.identity.clone(),
            Peer::Feedback => peers.feedback.clone(),
            Peer::Loyalty => peers.loyalty.clone(),
            Peer::Notification => peers.notification.clone(),
        }
    }

    /// Held by whoever moves the clock.
    pub(crate) async fn clock_moves(&self) -> MutexGuard<'_, ()> {
        self.0.clock_moves.lock().await
    }

    /// Adds background work that looks at once when `topic` is woken.
    pub(crate) fn add_worker(&self, worker: Worker, topic: &str) {
        let worker = self.0.workers.add(worker);
        let mut listener = self.0.wake.listen(topic);
        let stop = self.0.tasks.stopping().clone();
        let forward = async move {
            loop {
                listener.wait().await;
                worker.wake();
            }
        };
        self.0.tasks.spawn(async move { stop.run_until_cancelled(forward).await });
    }

    pub(crate) fn close_at_end(&self, db: Db) {
        self.databases().push(db);
    }

    fn databases(&self) -> std::sync::MutexGuard<'_, Vec<Db>> {
        self.0.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Errors: INVALID_ARGUMENT / AUTH_CONFIG, TLS_CONFIG or FILE_UNREADABLE.
fn server_tls(config: &PlatformConfig) -> Result<Option<ServerTls>> {
    let tls = config.server.tls.as_ref();
    if config.auth.trust_domain.is_some() && tls.is_none_or(|tls| tls.client_ca.is_none()) {
        let message = "auth.trust_domain needs server.tls.client_ca";
        return Err(Error::new(Code::InvalidArgument, "AUTH_CONFIG", message));
    }
    tls.map(ServerTls::open).transpose()
}

impl Peers {
    fn new(config: &PlatformConfig) -> Result<Self> {
        let tls = config.peers.tls.as_ref().map(PeerTls::open).transpose()?;
        let default = Duration::from_millis(config.server.default_deadline_ms);
        let channel = |peer: Peer, uri: &str| {
            let credentials = Credentials::new(&config.auth, peer.name())?;
            PeerChannel::new(uri, tls.as_ref(), credentials, default)
        };
        Ok(Self {
            identity: channel(Peer::Identity, &config.peers.identity)?,
            feedback: channel(Peer::Feedback, &config.peers.feedback)?,
            loyalty: channel(Peer::Loyalty, &config.peers.loyalty)?,
            notification: channel(Peer::Notification, &config.peers.notification)?,
        })
    }
}

/// The signals that ask a process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::internal);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}
