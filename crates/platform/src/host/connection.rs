//! One TCP connection: the preface, HTTP/2, its age, its end.
//!
//! Connections are driven here rather than by `tonic::transport::Server`, which keeps peers that
//! never say anything, gives all connections one age, races its own timeout (CANCELLED) against
//! our deadlines, and cannot be told to stop waiting for open streams.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::jitter;
use crate::config::ServerConfig;

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Time for a peer to send them.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between looks at a preface that comes in pieces.
const PREFACE_PAUSE: Duration = Duration::from_millis(20);
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
    age: Duration,
    /// Cancelled: finish the calls in flight and take no more (GOAWAY).
    closing: CancellationToken,
    /// Cancelled: end now.
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(config: &ServerConfig, front: Arc<Front>, cut: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(config.max_streams)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT);
        let age = Duration::from_secs(config.max_connection_age_seconds.max(1));
        let closing = front.closing.clone();
        Self { http, front, age, closing, cut }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let speaks_http2 = tokio::select! {
            speaks = tokio::time::timeout(PREFACE_TIMEOUT, speaks_http2(&stream)) => speaks,
            () = self.closing.cancelled() => return,
        };
        if !matches!(speaks_http2, Ok(Ok(true))) {
            tracing::debug!("dropped a connection that does not speak HTTP/2");
            return;
        }
        let front = self.front;
        let service = service_fn(move |request| {
            let front = Arc::clone(&front);
            async move { front.answer(request).await }
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

/// Waits for the preface without taking it from the stream; false for anything else.
async fn speaks_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 || seen[..count] != PREFACE[..count] {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        // More has to come, but a peek returns at once as long as something is there.
        tokio::time::sleep(PREFACE_PAUSE).await;
    }
}
