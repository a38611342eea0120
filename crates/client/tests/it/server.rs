//! A server with health and a points service that answers as it is told to.

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use perennial_client::proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_client::tonic::body::Body;
use perennial_client::tonic::server::NamedService;
use perennial_client::tonic::transport::{Server, ServerTlsConfig};
use perennial_client::tonic::{Code, Status};
use prost::Message;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// A call as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub request_id: String,
    pub headers: HeaderMap,
}

/// What a server does with a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer, after this time.
    Good(Duration),
    /// A refusal, and the pushback to send with it.
    Refuse(Code, Option<&'static str>),
    /// The connection is cut after the request was read.
    Cut,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    script: VecDeque<Reply>,
    usual: Option<Reply>,
}

/// A running server.
pub struct Fake {
    pub at: SocketAddr,
    state: Arc<Mutex<State>>,
    health: Option<HealthReporter>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    /// Of its own, so that all its connections end with it.
    runtime: Option<Runtime>,
}

impl Fake {
    /// Serving, on a free port.
    pub async fn start() -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), true).await
    }

    /// Without a health service.
    pub async fn without_health() -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), false).await
    }

    /// Behind TLS.
    pub async fn with_tls(tls: ServerTlsConfig) -> Self {
        Self::listening("127.0.0.1:0".parse().unwrap(), true, Some(tls)).await
    }

    /// On this socket.
    pub async fn on(at: SocketAddr, with_health: bool) -> Self {
        Self::listening(at, with_health, None).await
    }

    async fn listening(at: SocketAddr, with_health: bool, tls: Option<ServerTlsConfig>) -> Self {
        let listener = TcpListener::bind(at).await.unwrap().into_std().unwrap();
        let at = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let stop = CancellationToken::new();
        let points = Points { state: Arc::clone(&state) };
        let (health, service) = tonic_health::server::health_reporter();
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let mut server = server.add_service(points);
        if with_health {
            server = server.add_service(service);
        }
        let stopped = stop.clone();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let task = runtime.spawn(async move {
            let incoming = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
            server.serve_with_incoming_shutdown(incoming, stopped.cancelled()).await.unwrap();
        });
        let health = with_health.then_some(health);
        Self { at, state, health, stop, task: Some(task), runtime: Some(runtime) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    pub fn https(&self) -> String {
        format!("https://{}", self.at)
    }

    pub async fn serve(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.health.as_ref().unwrap().set_service_status("", status).await;
    }

    /// The next calls are answered so, later ones well.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().script.extend(replies);
    }

    /// What all calls without a script get.
    pub fn usually(&self, reply: Reply) {
        self.state.lock().unwrap().usual = Some(reply);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().seen.len()
    }

    /// NOT_SERVING, time to notice, GOAWAY, end: as a good server stops.
    pub async fn stop(mut self) {
        self.serve(false).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.stop.cancel();
        // Ends the health streams, which a graceful end would wait for.
        self.health.as_mut().unwrap().clear_service_status("").await;
        self.task.take().unwrap().await.unwrap();
    }
}

impl Drop for Fake {
    /// As a killed process: every connection ends at once.
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

#[derive(Clone)]
struct Points {
    state: Arc<Mutex<State>>,
}

impl NamedService for Points {
    const NAME: &'static str = "perennial.loyalty.v1.PointsService";
}

impl tower::Service<Request<Body>> for Points {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

impl Points {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let method = head.uri.path().rsplit('/').next().unwrap().to_owned();
        let request_id = match method.as_str() {
            "Earn" => EarnRequest::decode(&body[5..]).unwrap().request_id,
            _ => GetBalanceRequest::decode(&body[5..]).map(|_| String::new()).unwrap_or_default(),
        };
        let reply = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(Seen { request_id, headers: head.headers });
            let usual = state.usual.clone().unwrap_or(Reply::Good(Duration::ZERO));
            state.script.pop_front().unwrap_or(usual)
        };
        match reply {
            Reply::Good(after) => {
                tokio::time::sleep(after).await;
                let empty = http_body_util::Full::from(vec![0u8; 5]);
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                let body = empty.with_trailers(async move { Some(Ok(trailers)) });
                let answer = Response::builder().header("content-type", "application/grpc");
                answer.body(Body::new(body)).unwrap()
            }
            Reply::Refuse(code, pushback) => {
                let mut status = Status::new(code, "as told");
                if let Some(pushback) = pushback {
                    let value = pushback.parse().unwrap();
                    status.metadata_mut().insert("grpc-retry-pushback-ms", value);
                }
                status.into_http()
            }
            Reply::Cut => {
                // Headers, then a body that breaks off: the answer never arrives.
                let broken = futures::stream::once(async {
                    Err::<http_body::Frame<bytes::Bytes>, _>(Status::aborted("cut"))
                });
                let answer = Response::builder().header("content-type", "application/grpc");
                answer.body(Body::new(http_body_util::StreamBody::new(broken))).unwrap()
            }
        }
    }
}
