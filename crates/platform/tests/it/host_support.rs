//! A host around a service that misbehaves on request, and ways to call it without a client that
//! corrects what we want to see.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::DateTime;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use perennial_platform::Result;
use perennial_platform::auth::Caller;
use perennial_platform::clock::Clock;
use perennial_platform::config::PlatformConfig;
use perennial_platform::host::{self, Host, PeerChannel};
use perennial_platform::process::Process;
use perennial_proto::events::v1 as pb;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::event_log_service_server::{
    EventLogService, EventLogServiceServer,
};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// Never answers.
pub const HANG: &str = "/perennial.events.v1.EventLogService/ListConsumers";
/// Panics.
pub const PANIC: &str = "/perennial.events.v1.EventLogService/ListParked";
/// Answers at once.
pub const ECHO: &str = "/perennial.events.v1.EventLogService/ReplayParked";
/// Sends one message and stays open.
pub const STREAM: &str = "/perennial.events.v1.EventLogService/Read";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The event log of a service that behaves as the constants above say.
#[derive(Clone, Default)]
pub struct Misbehaving {
    /// Budgets that `HANG` was called with.
    pub budgets: Arc<Mutex<Vec<Option<Duration>>>>,
    /// Callers that `ECHO` saw.
    pub callers: Arc<Mutex<Vec<String>>>,
    /// Where `ECHO` asks first, when there is one.
    pub relay: Option<PeerChannel>,
}

#[tonic::async_trait]
impl EventLogService for Misbehaving {
    type ReadStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<pb::ReadResponse, Status>> + Send>>;

    async fn read(
        &self,
        _: Request<pb::ReadRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let first = tokio_stream::once(Ok(pb::ReadResponse::default()));
        Ok(Response::new(Box::pin(first.chain(tokio_stream::pending()))))
    }

    async fn list_consumers(
        &self,
        _: Request<pb::ListConsumersRequest>,
    ) -> Result<Response<pb::ListConsumersResponse>, Status> {
        self.budgets.lock().unwrap().push(host::remaining());
        std::future::pending().await
    }

    async fn list_parked(
        &self,
        _: Request<pb::ListParkedRequest>,
    ) -> Result<Response<pb::ListParkedResponse>, Status> {
        panic!("as asked")
    }

    async fn replay_parked(
        &self,
        request: Request<pb::ReplayParkedRequest>,
    ) -> Result<Response<pb::ReplayParkedResponse>, Status> {
        self.callers.lock().unwrap().push(Caller::of(&request).name().to_owned());
        if let Some(relay) = &self.relay {
            EventLogServiceClient::new(relay.clone())
                .list_consumers(pb::ListConsumersRequest {})
                .await?;
        }
        Ok(Response::new(pb::ReplayParkedResponse {}))
    }
}

/// A process with one host that serves a [`Misbehaving`].
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
    pub service: Misbehaving,
    /// Readiness as the host sees it.
    pub ready: Arc<AtomicBool>,
    serving: JoinHandle<Result<()>>,
    _data: tempfile::TempDir,
}

impl Server {
    pub fn start(adjust: impl FnOnce(&mut PlatformConfig)) -> Self {
        Self::with(Clock::manual(DateTime::UNIX_EPOCH), adjust, |_| Misbehaving::default())
    }

    pub fn with(
        clock: Clock,
        adjust: impl FnOnce(&mut PlatformConfig),
        service: impl FnOnce(&Host) -> Misbehaving,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = PlatformConfig { data: data.path().to_owned(), ..Default::default() };
        adjust(&mut config);
        let process = Process::new(&config, clock).unwrap();
        let mut host = Host::new(&process, "test", (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let service = service(&host);
        host.service(EventLogServiceServer::new(service.clone()));
        let ready = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&ready);
        host.ready_when(move || std::future::ready(seen.load(Ordering::Relaxed)));
        let address = host.address();
        let serving = process.tasks().spawn(host.serve());
        Self { process, address, service, ready, serving, _data: data }
    }

    /// A connection of its own.
    pub fn channel(&self) -> Channel {
        channel(self.address)
    }

    pub fn client(&self) -> EventLogServiceClient<Channel> {
        EventLogServiceClient::new(self.channel())
    }

    /// Stops the server and tells how long that took.
    pub async fn stop(self) -> Duration {
        let started = Instant::now();
        self.process.tasks().stop();
        self.serving.await.unwrap().unwrap();
        started.elapsed()
    }
}

pub fn channel(address: SocketAddr) -> Channel {
    Endpoint::try_from(format!("http://{address}")).unwrap().connect_lazy()
}

/// The control: the same service in a tonic server as it comes.
pub async fn plain_tonic(
    stop: tokio_util::sync::CancellationToken,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, health) = tonic_health::server::health_reporter();
    let serve = tonic::transport::Server::builder()
        .add_service(health)
        .add_service(EventLogServiceServer::new(Misbehaving::default()))
        .serve_with_incoming_shutdown(
            tonic::transport::server::TcpIncoming::from(listener),
            stop.cancelled_owned(),
        );
    (address, spawn(async move { serve.await.unwrap() }))
}

/// What came back, as it was on the wire.
#[derive(Debug)]
pub struct Answer {
    pub code: Code,
    pub status: Status,
    pub took: Duration,
}

/// One call over a connection of its own, without tonic's client (which would end a call that
/// runs out of time by itself).
pub async fn call(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let started = Instant::now();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let driver = spawn(connection);
    let mut request = http::Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let in_headers = Status::from_header_map(response.headers());
    let collected = response.into_body().collect().await.unwrap();
    let status = in_headers
        .or_else(|| collected.trailers().and_then(Status::from_header_map))
        .expect("a grpc-status");
    driver.abort();
    Answer { code: status.code(), status, took: started.elapsed() }
}

/// An empty message, as most requests here are.
pub fn empty() -> Vec<u8> {
    vec![0; 5]
}

/// A valid request of `ECHO`.
pub fn replay() -> pb::ReplayParkedRequest {
    pb::ReplayParkedRequest {
        consumer: "c".to_owned(),
        event_id: "e".to_owned(),
        request_id: String::new(),
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no host to own their tasks")]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

/// Asks again until the answer is as expected, for five seconds at most.
pub async fn eventually<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    for _ in 0..250 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("did not come to hold within five seconds");
}
