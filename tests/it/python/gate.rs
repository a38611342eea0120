//! Stands before the points service, with a health of its own: refuses as it is told, loses
//! answers, forwards the rest, and remembers when each attempt came.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// What happens to an attempt.
pub enum Fate {
    /// It does not reach the service.
    Refused(Status),
    /// The service does it, and the caller hears UNAVAILABLE.
    AnswerLost,
}

#[derive(Default)]
struct State {
    attempts: Vec<Instant>,
    script: VecDeque<Fate>,
    usual: Option<Status>,
}

/// A running gate; ends with the test's runtime.
pub struct Gate {
    pub port: u16,
    state: Arc<Mutex<State>>,
    health: HealthReporter,
}

impl Gate {
    /// Serving, on a free port.
    pub fn before(service: Channel) -> Self {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = incoming.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let points = Points { service, state: Arc::clone(&state) };
        // The empty name serves from the start.
        let (health, watched) = tonic_health::server::health_reporter();
        let server = Server::builder().add_service(points).add_service(watched);
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { port, state, health }
    }

    /// Says what health watches are told.
    pub async fn serve(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.health.set_service_status("", status).await;
    }

    /// The next attempts end so, later ones are forwarded.
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.state.lock().unwrap().script.extend(fates);
    }

    /// Every attempt without a script ends so.
    pub fn refuse_all(&self, status: Status) {
        self.state.lock().unwrap().usual = Some(status);
    }

    /// When the attempts came that nobody asked for yet.
    pub fn attempts(&self) -> Vec<Instant> {
        std::mem::take(&mut self.state.lock().unwrap().attempts)
    }
}

#[derive(Clone)]
struct Points {
    service: Channel,
    state: Arc<Mutex<State>>,
}

impl NamedService for Points {
    const NAME: &'static str = "perennial.loyalty.v1.PointsService";
}

impl Service<http::Request<Body>> for Points {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut this = self.clone();
        Box::pin(async move { Ok(this.attempt(request).await) })
    }
}

impl Points {
    async fn attempt(&mut self, request: http::Request<Body>) -> http::Response<Body> {
        let fate = {
            let mut state = self.state.lock().unwrap();
            state.attempts.push(Instant::now());
            state.script.pop_front().or_else(|| state.usual.clone().map(Fate::Refused))
        };
        match fate {
            Some(Fate::Refused(status)) => status.into_http(),
            Some(Fate::AnswerLost) => {
                assert!(self.forward(request).await.headers().get("grpc-status").is_none());
                Status::unavailable("the answer is lost").into_http()
            }
            None => self.forward(request).await,
        }
    }

    async fn forward(&mut self, request: http::Request<Body>) -> http::Response<Body> {
        let ready = poll_fn(|context| self.service.poll_ready(context)).await;
        let answer = match ready {
            Ok(()) => self.service.call(request).await,
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(|error| Status::unavailable(error.to_string()).into_http())
    }
}
