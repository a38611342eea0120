//! Calls to the other services of the suite: credentials, deadline and trace go along.
//!
//! A channel connects when it is first used and again whenever it has to; a peer that is away
//! makes calls fail with UNAVAILABLE, never this service.

use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use secrecy::{ExposeSecret, SecretString};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::Service;
use tracing::Instrument;

use super::deadline::{self, GRPC_TIMEOUT};
use crate::error::{self, Error, Result};
use crate::telemetry;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Finds out about a peer that vanished without closing the connection.
const PING_AFTER: Duration = Duration::from_mins(1);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Kept back from the caller's budget, so that our own answer still arrives in time.
const MARGIN: Duration = Duration::from_millis(10);

/// A channel to another service, for generated clients: `ProfileServiceClient::new(channel)`.
/// Cloning shares the connection.
#[derive(Clone)]
pub struct PeerChannel {
    channel: Channel,
    credentials: Option<HeaderValue>,
    /// Deadline of unary calls that nobody waits for (jobs).
    default_deadline: Duration,
}

impl PeerChannel {
    /// Prepares the channel to `uri` (`http://host:port`) without connecting. Errors:
    /// INVALID_ARGUMENT / PEERS_CONFIG.
    pub(crate) fn new(
        uri: &str,
        token: Option<&SecretString>,
        default_deadline: Duration,
    ) -> Result<Self> {
        let refused = |what: &str| {
            Error::new(error::Code::InvalidArgument, "PEERS_CONFIG", what.to_owned())
                .with("uri", uri)
        };
        let endpoint = Endpoint::from_str(uri).map_err(|_| refused("a peer needs a URI"))?;
        let channel = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .connect_lazy();
        let credentials = token
            .map(|token| {
                let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                    .map_err(|_| refused("auth.peer_token does not fit into a header"))?;
                value.set_sensitive(true);
                Ok::<_, Error>(value)
            })
            .transpose()?;
        Ok(Self { channel, credentials, default_deadline })
    }

    /// The smallest of: what the call asks for, what is left of the call we are handling, and the
    /// default for unary calls.
    fn budget(&self, request: &Request<Body>) -> Result<Option<Duration>> {
        let asked = deadline::requested(request.headers())?;
        let inherited = deadline::remaining().map(|left| left.saturating_sub(MARGIN));
        let streams = perennial_proto::method(request.uri().path())
            .is_none_or(|method| method.client_streaming || method.server_streaming);
        let default = (!streams).then_some(self.default_deadline);
        let budget = [asked, inherited, default].into_iter().flatten().min();
        if budget == Some(Duration::ZERO) {
            return Err(deadline::exceeded());
        }
        Ok(budget)
    }

    fn prepare(&self, request: &mut Request<Body>, span: &tracing::Span) -> Result<()> {
        if let Some(budget) = self.budget(request)? {
            let value = HeaderValue::try_from(deadline::format(budget)).map_err(Error::internal)?;
            request.headers_mut().insert(GRPC_TIMEOUT, value);
        }
        if let Some(credentials) = &self.credentials {
            request.headers_mut().insert(header::AUTHORIZATION, credentials.clone());
        }
        telemetry::inject(span, request.headers_mut());
        Ok(())
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel.poll_ready(context).map_err(|error| failed(&error))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let span = tracing::info_span!(
            "peer",
            otel.name = request.uri().path(),
            otel.kind = "client",
            rpc.system.name = "grpc",
            rpc.method = request.uri().path().trim_start_matches('/'),
        );
        if let Err(error) = self.prepare(&mut request, &span) {
            return Box::pin(async { Err(error.into()) });
        }
        // A request is rewritten to the peer's address by the channel, which is ready.
        let call = self.channel.call(request);
        Box::pin(async { call.await.map_err(|error| failed(&error)) }.instrument(span))
    }
}

/// tonic tells a call that ran out of time as CANCELLED.
fn failed(error: &(dyn std::error::Error + 'static)) -> Status {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return deadline::exceeded().into();
        }
        cause = error.source();
    }
    Status::new(Code::Unavailable, format!("the peer cannot be reached: {error}"))
}

impl std::fmt::Debug for PeerChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerChannel").finish_non_exhaustive()
    }
}
