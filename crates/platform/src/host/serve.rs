//! Runs a host: accept, watch health, and end in order and in time.
//!
//! The end: NOT_SERVING; a delay for load balancers to notice, while calls are still taken; no
//! new connections, GOAWAY to the old ones, open streams end; calls in flight finish within
//! `drain_seconds`; what is left then is cut.

use std::sync::Arc;
use std::time::Duration;

use perennial_proto::DESCRIPTOR_SET;
use perennial_proto::admin::v1::clock_service_server::ClockServiceServer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_reflection::server::Builder as Reflection;

use super::Host;
use super::clock_service::ClockServer;
use super::connection::Connections;
use super::deadline::Deadlines;
use super::front::Front;
use super::health::Health;
use crate::config::ServerConfig;
use crate::error::{Error, Result};

/// Pause after the system refused a connection (usually: too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Host {
    /// Serves until the process is told to stop, then ends as described in this module.
    pub async fn serve(mut self) -> Result<()> {
        self.service(ClockServiceServer::new(ClockServer(self.process.clone())));
        let config = self.process.server().clone();
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let mut routes = self.routes.add_service(health_service);
        if config.reflection {
            routes = with_reflection(routes, &self.names)?;
        }
        let services = self.names.clone();
        let health = Health::new(reporter, self.names, self.checks).await;
        let stop = self.process.tasks().stopping().clone();
        let closing = CancellationToken::new();
        let front = Arc::new(Front {
            name: self.name,
            routes: routes.prepare(),
            services,
            auth: self.process.auth().clone(),
            limits: self.process.limits().clone(),
            gate: self.process.gate().clone(),
            deadlines: Deadlines {
                default: Duration::from_millis(config.default_deadline_ms),
                maximum: Duration::from_millis(config.max_deadline_ms),
            },
            max_message_bytes: config.max_message_bytes,
            closing: closing.clone(),
        });
        let cut = CancellationToken::new();
        let connections =
            Connections::new(&config, self.process.tls().cloned(), front, cut.clone());
        let open = TaskTracker::new();
        tracing::info!(service = self.name, address = %self.address, "listening");
        tokio::select! {
            () = accept(self.listener, config.max_connections, &connections, &open) => {}
            () = until_unannounced(health, stop, &config) => {}
        }
        drop(connections);
        closing.cancel();
        drain(self.name, &open, cut, Duration::from_secs(config.drain_seconds)).await;
        Ok(())
    }
}

/// Watches health until the stop, and then lets load balancers notice that it ended.
async fn until_unannounced(health: Health, stop: CancellationToken, config: &ServerConfig) {
    health.watch(stop).await;
    tokio::time::sleep(Duration::from_secs(config.drain_delay_seconds)).await;
}

/// Accepts connections for ever. Dropping it closes the listener.
async fn accept(
    listener: TcpListener,
    limit: usize,
    connections: &Connections,
    open: &TaskTracker,
) {
    let slots = Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small messages must not wait for each other; without it they are only slower.
                let _ = stream.set_nodelay(true);
                let connections = connections.clone();
                open.spawn(async move {
                    connections.serve(stream).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits for open connections to finish, and cuts those that do not.
async fn drain(name: &str, open: &TaskTracker, cut: CancellationToken, grace: Duration) {
    open.close();
    if tokio::time::timeout(grace, open.wait()).await.is_err() {
        tracing::warn!(service = name, connections = open.len(), "cut connections that go on");
        cut.cancel();
        open.wait().await;
    }
    tracing::info!(service = name, "stopped serving");
}

/// Reflection v1, and v1alpha for grpcurl before 1.9, of what this host serves.
fn with_reflection(routes: Routes, names: &[&'static str]) -> Result<Routes> {
    let describe = || {
        let all = Reflection::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that grpcurl can show what is wrong with a request.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        names.iter().fold(all, |all, name| all.with_service_name(*name))
    };
    let v1 = describe().build_v1().map_err(Error::internal)?;
    let v1alpha = describe().build_v1alpha().map_err(Error::internal)?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}
