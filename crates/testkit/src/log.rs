//! The event log of another service, held in memory and served over gRPC, so that a service's
//! consumers are tested alone: the test says what happened elsewhere.

use perennial_proto::events::v1::event_log_service_server::{
    EventLogService, EventLogServiceServer,
};
use perennial_proto::events::v1::{
    Event, ListConsumersRequest, ListConsumersResponse, ListParkedRequest, ListParkedResponse,
    ReadRequest, ReadResponse, ReplayParkedRequest, ReplayParkedResponse,
};
use prost::{Message, Name};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// Events handed out in one message, as the real log does.
const PAGE: usize = 500;

/// A stand-in for another service's log.
#[derive(Debug, Clone)]
pub struct Log {
    shared: Arc<Shared>,
    address: SocketAddr,
    _server: Arc<Server>,
}

#[derive(Debug)]
struct Shared {
    source: String,
    events: Mutex<Vec<Event>>,
    grown: Notify,
}

/// Ends with the last clone of its log.
#[derive(Debug)]
struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Log {
    /// Serves an empty log of the service ("identity") on a free port.
    pub async fn start(service: &str) -> Self {
        Self::start_with(service, Routes::default()).await
    }

    /// As [`Log::start`], together with other gRPC services of that process, for consumers that
    /// also ask it something.
    ///
    /// # Panics
    /// When no port can be had.
    #[expect(clippy::disallowed_methods, reason = "a test server outside of any host")]
    pub async fn start_with(service: &str, others: Routes) -> Self {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            source: format!("perennial/{service}"),
            events: Mutex::default(),
            grown: Notify::new(),
        });
        let routes = others.add_service(EventLogServiceServer::new(Handler(shared.clone())));
        let serving = tonic::transport::Server::builder()
            .add_routes(routes)
            .serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move {
            let _ended = serving.await;
        });
        Self { shared, address, _server: Arc::new(Server(server)) }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends what happened, at `time`, to `subject` (a user id, or empty). Returns the event,
    /// with its position.
    pub fn append<M: Message + Name>(
        &self,
        time: chrono::DateTime<chrono::Utc>,
        subject: &str,
        payload: &M,
    ) -> Event {
        let mut events = self.shared.lock();
        let position = i64::try_from(events.len()).unwrap_or(i64::MAX - 1) + 1;
        let event = Event {
            id: uuid::Uuid::new_v4().to_string(),
            source: self.shared.source.clone(),
            r#type: M::full_name(),
            subject: subject.to_owned(),
            time: Some(perennial_platform::time::to_proto(time)),
            data: Some(prost_types::Any {
                type_url: M::type_url(),
                value: payload.encode_to_vec(),
            }),
            position,
            traceparent: String::new(),
        };
        events.push(event.clone());
        drop(events);
        self.shared.grown.notify_waiters();
        event
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next page after a position, and the position up to which it has looked.
    fn page(&self, request: &ReadRequest, after: i64) -> ReadResponse {
        let events = self.lock();
        let start = usize::try_from(after).unwrap_or(0).min(events.len());
        let window = &events[start..events.len().min(start + PAGE)];
        let wanted = |event: &&Event| {
            (request.types.is_empty() || request.types.contains(&event.r#type))
                && (request.subject.is_empty() || request.subject == event.subject)
        };
        ReadResponse {
            events: window.iter().filter(wanted).cloned().collect(),
            position: window.last().map_or(after, |event| event.position),
            head: events.last().map_or(0, |event| event.position),
        }
    }
}

/// The service on the wire.
struct Handler(Arc<Shared>);

#[tonic::async_trait]
impl EventLogService for Handler {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResponse, Status>> + Send>>;

    async fn read(
        &self,
        request: Request<ReadRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let request = request.into_inner();
        let after = request.after;
        let reader = Reader { shared: self.0.clone(), request, after, ended: false };
        Ok(Response::new(Box::pin(futures::stream::unfold(reader, Reader::next))))
    }

    async fn list_consumers(
        &self,
        _: Request<ListConsumersRequest>,
    ) -> Result<Response<ListConsumersResponse>, Status> {
        Ok(Response::new(ListConsumersResponse::default()))
    }

    async fn list_parked(
        &self,
        _: Request<ListParkedRequest>,
    ) -> Result<Response<ListParkedResponse>, Status> {
        Ok(Response::new(ListParkedResponse::default()))
    }

    async fn replay_parked(
        &self,
        _: Request<ReplayParkedRequest>,
    ) -> Result<Response<ReplayParkedResponse>, Status> {
        Err(Status::not_found("nothing is parked here"))
    }
}

/// One caller's place in the log.
struct Reader {
    shared: Arc<Shared>,
    request: ReadRequest,
    after: i64,
    ended: bool,
}

impl Reader {
    /// The next page; waits at the head of the log when the caller follows it.
    async fn next(mut self) -> Option<(Result<ReadResponse, Status>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            let shared = self.shared.clone();
            // Registered before the look, so that an event appended in between wakes us.
            let mut grown = std::pin::pin!(shared.grown.notified());
            grown.as_mut().enable();
            let page = self.shared.page(&self.request, self.after);
            if page.position > self.after || !self.request.follow {
                self.ended = page.position == self.after;
                self.after = page.position;
                return Some((Ok(page), self));
            }
            grown.await;
        }
    }
}
