//! What the generated clients are given.

use crate::attempts;
use crate::builder::Builder;
use crate::credentials::Token;
use crate::retry::Budget;
use crate::serving::Serving;
use futures::future::BoxFuture;
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

/// A channel to one service of the suite, for its generated clients:
/// `PointsServiceClient::new(channel.clone())`. Clones share everything; with the last of them the
/// connections end.
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

/// What all clones of a channel share.
pub(crate) struct Shared {
    pub(crate) serving: Arc<Serving>,
    pub(crate) token: Option<Token>,
    pub(crate) deadline: Duration,
    pub(crate) patience: Duration,
    pub(crate) attempts: u32,
    pub(crate) budget: Budget,
    /// Keeps the set of endpoints; ends when dropped.
    pub(crate) _pool: JoinSet<()>,
}

impl Channel {
    /// A channel to `addresses`: `http://host:port` (or `https`), one or several with commas
    /// between. All sockets behind all of them are endpoints of the same service.
    pub fn to(addresses: impl Into<String>) -> Builder {
        Builder::new(addresses.into())
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Waits until an endpoint serves, at most `patience`. Calls do so themselves; this is for
    /// programs that want to know at their start. Errors: UNAVAILABLE with the last trouble.
    pub async fn ready(&self, patience: Duration) -> Result<(), Status> {
        let until = Instant::now() + patience;
        match self.0.serving.pick(until).await {
            Some(_) => Ok(()),
            None => Err(Status::unavailable(self.0.serving.trouble())),
        }
    }

    /// Number of endpoints that serve at this moment.
    pub fn serving(&self) -> usize {
        self.0.serving.count()
    }

    /// Waits until exactly `count` endpoints serve, at most `patience`; tells whether they do.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> bool {
        timeout_at(Instant::now() + patience, self.0.serving.reaches(count)).await.is_ok()
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    /// Always ready: a call waits for its endpoint within its own deadline.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    #[cfg_attr(not(feature = "opentelemetry"), expect(unused_mut, reason = "traced calls only"))]
    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        #[cfg(feature = "opentelemetry")]
        crate::trace::inject(request.headers_mut());
        let shared = Arc::clone(&self.0);
        Box::pin(async move { attempts::run(&shared, request).await })
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("serving", &self.serving()).finish_non_exhaustive()
    }
}
