//! The gRPC server of one service: everything around the handlers.
//!
//! A service's `mount` hands its parts to a [`Host`]; [`Host::serve`] runs them with health,
//! reflection, authentication, deadlines, limits, tracing and an orderly end. Several hosts share
//! one [`Process`]: what is limited or kept once per process lives there.

mod clock_service;
mod connection;
mod deadline;
mod frames;
mod front;
mod gate;
mod health;
mod observe;
mod panics;
mod peer;
mod serve;
mod tail;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use perennial_proto::events::v1::event_log_service_server::EventLogServiceServer;
use sea_orm_migration::MigrationTrait;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

use crate::backlog::{self, Backlog};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::commit::{Batch, Committer};
use crate::config::DatabaseConfig;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::events::{self, Consumer, Peer};
use crate::gather::{Gather, Lookup};
use crate::jobs::{self, Job};
use crate::limits::Limits;
use crate::page::Pages;
use crate::process::Process;
use crate::vault::Vault;
use crate::wake::Wake;

pub use deadline::remaining;
pub(crate) use gate::Gate;
pub use peer::PeerChannel;
pub(crate) use peer::credentials::Credentials;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// One service of the suite while it is put together.
pub struct Host {
    process: Process,
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    routes: Routes,
    names: Vec<&'static str>,
    checks: Vec<health::Check>,
}

impl Host {
    /// Takes the address for a service, before anything else is done; nobody is answered until
    /// [`Self::serve`]. Port 0 takes any free port, see [`Self::address`]. Needs a runtime.
    ///
    /// Errors: FAILED_PRECONDITION / AUTH_REQUIRED for an address beyond loopback without
    /// `auth.tokens`; FAILED_PRECONDITION / ADDRESS_UNAVAILABLE.
    pub fn new(process: &Process, name: &'static str, listen: SocketAddr) -> Result<Self> {
        process.auth().check_address(listen)?;
        let (listener, address) = bind(listen).map_err(|error| {
            Error::precondition(
                "ADDRESS_UNAVAILABLE",
                format!("cannot listen on {listen}: {error}"),
            )
        })?;
        Ok(Self {
            process: process.clone(),
            name,
            listener,
            address,
            routes: Routes::default(),
            names: Vec::new(),
            checks: Vec::new(),
        })
    }

    /// Where the service listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The suite's clock.
    pub fn clock(&self) -> Clock {
        self.process.clock().clone()
    }

    /// Keys for personal data.
    pub fn vault(&self) -> Vault {
        self.process.vault().clone()
    }

    /// Page tokens.
    pub fn pages(&self) -> Pages {
        self.process.pages().clone()
    }

    /// Answers of other services, for a while.
    pub fn cache(&self) -> Cache {
        self.process.cache().clone()
    }

    /// Wake-ups for jobs (topic `job:<name>`) and between replicas.
    pub fn wake(&self) -> Wake {
        self.process.wake().clone()
    }

    /// Rate limits over all replicas.
    pub fn limits(&self) -> Limits {
        self.process.limits().clone()
    }

    /// Opens the service's database and brings its tables up to date, or checks that they are;
    /// serves its event log; the service is healthy only while the database answers. Once per
    /// host.
    ///
    /// Errors: UNAVAILABLE; FAILED_PRECONDITION / MIGRATIONS_PENDING when `migrate_on_start` is
    /// off and `perennial migrate` has not been run; FAILED_PRECONDITION / WRONG_MASTER_KEY.
    pub async fn database(
        &mut self,
        config: &DatabaseConfig,
        migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
    ) -> Result<Db> {
        let db = Db::open(self.name, config, self.process.data()).await?;
        if config.migrate_on_start {
            db.migrate(migrations).await?;
        } else if let Some(first) = db.pending(migrations).await?.first() {
            let message = "the database is older than the program: run `perennial migrate`";
            return Err(Error::precondition("MIGRATIONS_PENDING", message).with("first", first));
        }
        db.check_master_key(self.process.vault()).await?;
        let (wake, topic) = (self.process.wake().clone(), log_topic(self.name));
        db.on_log_growth(move || wake.notify(&topic));
        let log = events::LogService::new(
            self.name,
            &db,
            self.pages(),
            self.process.wake().clone(),
            self.process.tasks().clone(),
        );
        self.service(EventLogServiceServer::new(log));
        let pinged = db.clone();
        self.ready_when(move || {
            let db = pinged.clone();
            async move { db.ping().await.is_ok() }
        });
        self.process.close_at_end(db.clone());
        Ok(db)
    }

    /// Serves a generated `XxxServiceServer`. Its messages are limited to
    /// `server.max_message_bytes` here; the server's own limit of 4 MiB stays above that.
    pub fn service<S>(&mut self, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes = std::mem::take(&mut self.routes).add_service(service);
    }

    /// Adds something that must be there for the service to count as healthy. It is asked every
    /// few seconds and has one second to answer.
    pub fn ready_when<F>(&mut self, check: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.checks.push(Box::new(move || Box::pin(check())));
    }

    /// Cancelled when the process is to stop, for work that takes long: what was begun ends, nothing
    /// more begins.
    pub fn stopping(&self) -> CancellationToken {
        self.process.tasks().stopping().clone()
    }

    /// A line for hot writes, see [`crate::commit`].
    pub fn committer<B: Batch>(&mut self, name: &'static str, db: &Db, batch: B) -> Committer<B> {
        Committer::start(self.process.tasks(), self.process.clock(), db, name, batch)
    }

    /// Starts gathered reads.
    pub fn gather<L: Lookup>(&mut self, lookup: L) -> Gather<L> {
        Gather::start(self.process.tasks(), lookup)
    }

    /// Runs a job in the background while the process runs.
    pub fn job<J: Job>(&mut self, db: &Db, job: J) {
        let worker = jobs::worker(db, job);
        self.process.add_worker(worker, &format!("job:{}", J::NAME));
    }

    /// Follows the event log of another service in the background.
    pub fn consumer<C: Consumer>(&mut self, db: &Db, consumer: C) {
        let channel = self.peer(C::SOURCE);
        let stop = self.process.tasks().stopping().clone();
        let worker = events::worker(db, self.process.clock(), channel, consumer, stop);
        self.process.add_worker(worker, &log_topic(C::SOURCE.name()));
    }

    /// Tells as metrics what is due in a queue and not done yet. `queue` is named like a job:
    /// "loyalty.settle".
    pub fn backlog<F>(&mut self, queue: &'static str, look: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Backlog>> + Send,
    {
        backlog::watch(self.process.tasks(), self.process.clock(), queue, look);
    }

    /// The way to another service, for its generated clients.
    pub fn peer(&self, peer: Peer) -> PeerChannel {
        self.process.peer(peer)
    }
}

/// What tells that a service's event log has grown.
fn log_topic(service: &str) -> String {
    format!("log:{service}")
}

fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Lets a restarted process take the port while old connections linger.
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// `duration`, give or take up to `part` of it by chance.
fn jitter(duration: Duration, part: f64) -> Duration {
    let [random, ..] = uuid::Uuid::new_v4().into_bytes();
    let between_minus_one_and_one = f64::from(random) / 127.5 - 1.0;
    duration.mul_f64(1.0 + part * between_minus_one_and_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_part() {
        for _ in 0..1_000 {
            let some = jitter(Duration::from_secs(100), 0.1).as_secs_f64();
            assert!((90.0..=110.0).contains(&some), "{some}");
        }
    }
}
