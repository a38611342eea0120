//! Calls to the other services of the suite: credentials, deadline and trace go along.
//!
//! A channel connects when it is first used and again whenever it has to; a peer that is away
//! makes calls fail with UNAVAILABLE, never this service.

pub(crate) mod credentials;

use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::uri::{Scheme, Uri};
use http::{HeaderValue, Request, Response, header};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::{Service, service_fn};
use tracing::Instrument;

use super::deadline::{self, GRPC_TIMEOUT};
use crate::error::{Error, Result};
use crate::telemetry;
use crate::tls::PeerTls;
use credentials::Credentials;

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
    credentials: Credentials,
    /// Deadline of unary calls that nobody waits for (jobs).
    default_deadline: Duration,
}

impl PeerChannel {
    /// Prepares the channel to `uri` (`http://host:port`, or `https://host:port` with `tls`)
    /// without connecting. Errors: INVALID_ARGUMENT / PEERS_CONFIG.
    pub(crate) fn new(
        uri: &str,
        tls: Option<&PeerTls>,
        credentials: Credentials,
        default_deadline: Duration,
    ) -> Result<Self> {
        let refused = |what: &str| credentials::refused(what).with("uri", uri);
        let uri = Uri::from_str(uri).map_err(|_| refused("a peer needs a URI"))?;
        let channel = match (tls, uri.scheme() == Some(&Scheme::HTTPS)) {
            (None, false) => endpoint(uri).connect_lazy(),
            (Some(tls), true) => connect_with(tls, uri)?,
            (None, true) => return Err(refused("https:// needs peers.tls")),
            (Some(_), false) => return Err(refused("with peers.tls peers begin with https://")),
        };
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
        if let Some(credentials) = self.credentials.current() {
            request.headers_mut().insert(header::AUTHORIZATION, credentials);
        }
        telemetry::inject(span, request.headers_mut());
        Ok(())
    }
}

fn endpoint(uri: Uri) -> Endpoint {
    Endpoint::from(uri)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
}

/// tonic would read certificates once; so it is told of a plain address, and how to connect there
/// is our own doing. `origin` is what requests say.
fn connect_with(tls: &PeerTls, origin: Uri) -> Result<Channel> {
    let mut parts = origin.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    let address = Uri::from_parts(parts).map_err(Error::internal)?;
    let tls = tls.clone();
    let connect = service_fn(move |uri: Uri| tls.clone().connect(uri));
    Ok(endpoint(address).origin(origin).connect_with_connector_lazy(connect))
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
