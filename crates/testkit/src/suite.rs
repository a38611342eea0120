//! One service, served over a real socket in this process, with everything a test needs to move
//! it: its clock, the logs of the other services, and its background work on call.

use crate::database::TestDatabase;
use crate::log::Log;
use chrono::{DateTime, TimeZone as _, Utc};
use perennial_platform::clock::Clock;
use perennial_platform::config::{DatabaseConfig, PeersConfig, PlatformConfig};
use perennial_platform::events::Peer;
use perennial_platform::host::Host;
use perennial_platform::process::Process;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::{Event, ListParkedRequest, ReadRequest};
use std::net::{Ipv4Addr, SocketAddr};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// A running service. Background work runs only when [`Suite::settle`] is called.
#[derive(Debug)]
pub struct Suite {
    /// The service's clock; stands still until it is moved.
    pub clock: Clock,
    process: Process,
    channel: Channel,
    logs: [Log; 4],
    folder: TempDir,
    _database: TestDatabase,
}

impl Suite {
    /// Serves one service on a fresh database. `mount` puts the service together:
    /// `Suite::start(Peer::Loyalty, async |host, database| {
    ///     mount(Config { database, ..Config::default() }, host).await
    /// })`. Time is Monday, 5 January 2026, 09:00 UTC.
    pub async fn start<M>(service: Peer, mount: M) -> Self
    where
        M: AsyncFnOnce(&mut Host, DatabaseConfig) -> perennial_platform::Result<()>,
    {
        Self::builder(service).start(mount).await
    }

    /// For a service that needs something else than [`Suite::start`] gives.
    pub fn builder(service: Peer) -> Builder {
        Builder { service, logs: Vec::new(), now: monday(), config: PlatformConfig::default() }
    }

    /// A connection for generated clients.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The stand-in for another service's event log.
    pub fn log(&self, of: Peer) -> &Log {
        &self.logs[place(of)]
    }

    /// The data folder of the process.
    pub fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The process around the service: its workers and tasks.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Runs all consumers and jobs until nothing is left to do at this moment. Returns the units
    /// of work done.
    ///
    /// # Panics
    /// When work fails, or an event could not be handled and was set aside.
    pub async fn settle(&self) -> u64 {
        let done = self.turn().await;
        let request = ListParkedRequest::default();
        let mut client = EventLogServiceClient::new(self.channel());
        let parked = client.list_parked(request).await.expect("the parked events").into_inner();
        assert!(parked.parked.is_empty(), "events were set aside: {:#?}", parked.parked);
        done
    }

    /// As [`Suite::settle`] where a test expects events to be set aside.
    ///
    /// # Panics
    /// When work fails.
    pub async fn turn(&self) -> u64 {
        let stop = self.process.tasks().stopping();
        self.process.workers().settle(stop).await.expect("background work")
    }

    /// Moves the clock and settles, `step` after `step`, as the suite does in simulated time.
    pub async fn advance(&self, by: chrono::TimeDelta, step: chrono::TimeDelta) {
        let end = self.clock.now() + by;
        while self.clock.now() < end {
            self.clock.set(end.min(self.clock.now() + step));
            self.settle().await;
        }
    }

    /// Everything in the service's own event log, oldest first.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn events(&self) -> Vec<Event> {
        let mut client = EventLogServiceClient::new(self.channel());
        let mut pages =
            client.read(ReadRequest::default()).await.expect("the event log").into_inner();
        let mut events = Vec::new();
        while let Some(page) = pages.message().await.expect("a page of the event log") {
            events.extend(page.events);
        }
        events
    }

    /// The events of one kind in the service's own log, oldest first.
    ///
    /// # Panics
    /// When one cannot be decoded.
    pub async fn events_of<M: prost::Message + prost::Name + Default>(&self) -> Vec<M> {
        let of_kind =
            self.events().await.into_iter().filter(|event| event.r#type == M::full_name());
        of_kind
            .map(|event| perennial_platform::events::decode(&event).expect("an event of its type"))
            .collect()
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.process.tasks().stop();
    }
}

/// Collects what differs from the ordinary.
pub struct Builder {
    service: Peer,
    logs: Vec<(Peer, Log)>,
    now: DateTime<Utc>,
    config: PlatformConfig,
}

impl Builder {
    /// Uses this log as another service's; see [`Log::start_with`].
    #[must_use]
    pub fn log(mut self, of: Peer, log: Log) -> Self {
        self.logs.push((of, log));
        self
    }

    /// Starts the clock at another time.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }

    /// Changes the settings of the process.
    #[must_use]
    pub fn settings(mut self, adjust: impl FnOnce(&mut PlatformConfig)) -> Self {
        adjust(&mut self.config);
        self
    }

    /// Serves; see [`Suite::start`].
    ///
    /// # Panics
    /// When the service cannot be put together.
    pub async fn start<M>(self, mount: M) -> Suite
    where
        M: AsyncFnOnce(&mut Host, DatabaseConfig) -> perennial_platform::Result<()>,
    {
        let mut logs = Vec::new();
        for peer in PEERS {
            let given = self.logs.iter().find(|(of, _)| *of == peer).map(|(_, log)| log.clone());
            logs.push(match given {
                Some(log) => log,
                None => Log::start(peer.name()).await,
            });
        }
        let logs: [Log; 4] = logs.try_into().expect("one log a service");
        let folder = TempDir::new().expect("a temporary folder");
        let config =
            PlatformConfig { data: folder.path().to_owned(), peers: peers(&logs), ..self.config };
        let clock = Clock::manual(self.now);
        let process = Process::new(&config, clock.clone()).expect("the process");
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut host = Host::new(&process, self.service.name(), any_port).expect("a port");
        let database = TestDatabase::fresh().await;
        mount(&mut host, database.config()).await.expect("the service mounts");
        let address = format!("http://{}", host.address());
        process.tasks().spawn(host.serve());
        let channel = Endpoint::from_shared(address).expect("an address").connect_lazy();
        Suite { clock, process, channel, logs, folder, _database: database }
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("service", &self.service).finish_non_exhaustive()
    }
}

const PEERS: [Peer; 4] = [Peer::Identity, Peer::Feedback, Peer::Loyalty, Peer::Notification];

fn place(peer: Peer) -> usize {
    PEERS.iter().position(|known| *known == peer).unwrap_or_default()
}

fn peers([identity, feedback, loyalty, notification]: &[Log; 4]) -> PeersConfig {
    PeersConfig {
        identity: identity.url(),
        feedback: feedback.url(),
        loyalty: loyalty.url(),
        notification: notification.url(),
        tls: None,
    }
}

fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).single().unwrap_or_default()
}
