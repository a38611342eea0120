//! One TCP connection: TLS where it is asked for, the preface, HTTP/2, its age, its end.
//!
//! Connections are driven here rather than by `tonic::transport::Server`, which keeps peers that
//! never say anything, gives all connections one age, races its own timeout (CANCELLED) against
//! our deadlines, and cannot be told to stop waiting for open streams.

mod preface;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::jitter;
use crate::auth::{self, Link};
use crate::config::ServerConfig;
use crate::tls::ServerTls;

/// Time for a peer to get to HTTP/2: the TLS handshake, where there is one, and the preface.
const OPENING_TIMEOUT: Duration = Duration::from_secs(5);
/// A peer that says nothing for this long is pinged ...
const PING_AFTER: Duration = Duration::from_mins(1);
/// ... and cut when it does not answer the ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest request headers. Errors travel in headers too, so ours stay below as well.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// How connections are to be driven, and when they end.
#[derive(Clone)]
pub(super) struct Connections {
    http: Builder<TokioExecutor>,
    front: Arc<Front>,
    tls: Option<ServerTls>,
    age: Duration,
    /// Cancelled: finish the calls in flight and take no more (GOAWAY).
    closing: CancellationToken,
    /// Cancelled: end now.
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(
        config: &ServerConfig,
        tls: Option<ServerTls>,
        front: Arc<Front>,
        cut: CancellationToken,
    ) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(config.max_streams)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT);
        let age = Duration::from_secs(config.max_connection_age_seconds.max(1));
        let closing = front.closing.clone();
        Self { http, front, tls, age, closing, cut }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let opened = tokio::select! {
            opened = tokio::time::timeout(OPENING_TIMEOUT, open(self.tls.as_ref(), stream)) => opened,
            () = self.closing.cancelled() => return,
        };
        match opened {
            Ok(Ok(Opened::Plain(stream, link))) => self.drive(stream, link).await,
            Ok(Ok(Opened::Tls(stream, link))) => self.drive(stream, link).await,
            Ok(Ok(Opened::Other)) | Err(_) => {
                tracing::debug!("dropped a connection that does not speak HTTP/2");
            }
            Ok(Err(error)) => tracing::debug!(%error, "dropped a connection"),
        }
    }

    async fn drive(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, link: Link) {
        let (front, link) = (self.front, Arc::new(link));
        let service = service_fn(move |request| {
            let (front, link) = (Arc::clone(&front), Arc::clone(&link));
            async move { front.answer(request, &link).await }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let mut leaving = pin!(async {
            // Connections opened together must not all return together.
            let _ = tokio::time::timeout(jitter(self.age, 0.1), self.closing.cancelled()).await;
        });
        let mut told = false;
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                () = leaving.as_mut(), if !told => {
                    connection.as_mut().graceful_shutdown();
                    told = true;
                }
                () = self.cut.cancelled() => return,
            }
        }
    }
}

/// A connection that is about to speak HTTP/2, or does not.
enum Opened {
    Plain(TcpStream, Link),
    Tls(Box<preface::Seen<TlsStream<TcpStream>>>, Link),
    Other,
}

/// Where TLS is asked for, health checks come without it: whoever begins with the preface is let
/// in as [`Link::Unprotected`].
async fn open(tls: Option<&ServerTls>, stream: TcpStream) -> std::io::Result<Opened> {
    let Some(tls) = tls else {
        let speaks = preface::is_next(&stream).await?;
        return Ok(if speaks { Opened::Plain(stream, Link::Plain) } else { Opened::Other });
    };
    if preface::may_be_next(&stream).await? {
        let speaks = preface::is_next(&stream).await?;
        return Ok(if speaks { Opened::Plain(stream, Link::Unprotected) } else { Opened::Other });
    }
    let (stream, id) =
        tls.accept(stream).await.inspect_err(|_| auth::meters().handshake_failed())?;
    Ok(match preface::Seen::take(stream).await? {
        Some(stream) => Opened::Tls(Box::new(stream), Link::Tls(id)),
        None => Opened::Other,
    })
}
