//! One endpoint: connected, its health followed, connected again.

use crate::address::Address;
use crate::credentials::Tls;
use crate::retry::Backoff;
use crate::serving::Serving;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tonic::Code;
use tonic::transport::{self, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Finds out about an endpoint that vanished without closing the connection.
const PING_AFTER: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A socket behind an address, and what watching it needs.
pub(crate) struct Watched {
    pub(crate) address: Address,
    pub(crate) socket: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) serving: Arc<Serving>,
    /// Told when the endpoint is lost, so that others are looked for at once.
    pub(crate) lost: Arc<Notify>,
}

impl Watched {
    /// Keeps the endpoint among the serving while it serves; never returns.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            match self.connect().await {
                Ok(connection) => {
                    if self.follow(connection).await {
                        backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
                    }
                }
                Err(trouble) => self.note(&format!("cannot connect: {trouble}")),
            }
            self.lost.notify_one();
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    async fn connect(&self) -> Result<transport::Channel, String> {
        let scheme = if self.address.tls { "https" } else { "http" };
        let told = |error: &dyn std::error::Error| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.socket))
            .map_err(|error| told(&error))?
            .origin(self.address.origin.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        if let Some(tls) = &self.tls {
            // Read for each connection, so that renewed certificates are taken.
            let config = tls.config(&self.address.host).await.map_err(|error| told(&error))?;
            endpoint = endpoint.tls_config(config).map_err(|error| told(&error))?;
        }
        endpoint.connect().await.map_err(|error| told(&error))
    }

    /// Follows the health of a connection until it breaks; tells whether it served at all.
    async fn follow(&self, connection: transport::Channel) -> bool {
        let mut served = false;
        let mut place = None;
        let request = HealthCheckRequest { service: String::new() };
        let mut told = match HealthClient::new(connection.clone()).watch(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return self.unwatchable(&status, connection).await,
        };
        loop {
            match told.message().await {
                Ok(Some(answer)) if answer.status() == ServingStatus::Serving => {
                    served = true;
                    place.get_or_insert_with(|| self.serving.add(connection.clone()));
                }
                Ok(Some(answer)) => {
                    self.note(&format!("says {}", answer.status().as_str_name()));
                    if place.take().is_some() {
                        self.lost.notify_one();
                    }
                }
                Ok(None) => break self.note("ended its health stream"),
                Err(status) if status.code() == Code::Unimplemented => {
                    return self.unwatchable(&status, connection).await;
                }
                Err(status) => break self.note(&format!("lost: {}", status.message())),
            }
        }
        served
    }

    /// A server without health counts as serving as long as it is resolved; tonic connects again
    /// when a call needs it (gRFC A17 asks for the same).
    async fn unwatchable(&self, status: &tonic::Status, connection: transport::Channel) -> bool {
        if status.code() != Code::Unimplemented {
            self.note(&format!("does not tell its health: {}", status.message()));
            return false;
        }
        self.note("has no health service");
        let _place = self.serving.add(connection);
        std::future::pending().await
    }

    fn note(&self, what: &str) {
        tracing::debug!(endpoint = %self.socket, "{what}");
        self.serving.set_trouble(format!("{} {what}", self.socket));
    }
}
