//! Peers who have no intention to leave.

use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::{ReadRequest, ReadResponse};
use tokio::net::TcpStream;
use tonic::Streaming;
use tonic::transport::Endpoint;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Of each kind, to each service.
const EACH: usize = 5;

/// Held open until dropped.
pub(super) struct Guests {
    streams: Vec<Streaming<ReadResponse>>,
    watches: Vec<Streaming<HealthCheckResponse>>,
    silent: Vec<TcpStream>,
}

impl Guests {
    /// Of all services of a replica.
    pub(super) async fn visit(ports: &[u16; 4]) -> Self {
        let mut guests = Self { streams: Vec::new(), watches: Vec::new(), silent: Vec::new() };
        for port in ports {
            let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
            let channel = endpoint.connect().await.unwrap();
            for _ in 0..EACH {
                let mut log = EventLogServiceClient::new(channel.clone());
                guests.streams.push(log.read(ReadRequest::default()).await.unwrap().into_inner());
                let mut health = HealthClient::new(channel.clone());
                let watch = health.watch(HealthCheckRequest::default()).await.unwrap();
                guests.watches.push(watch.into_inner());
                guests.silent.push(TcpStream::connect(("127.0.0.1", *port)).await.unwrap());
            }
        }
        guests
    }

    pub(super) fn count(&self) -> usize {
        self.streams.len() + self.watches.len() + self.silent.len()
    }
}
