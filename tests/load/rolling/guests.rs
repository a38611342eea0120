//! Peers who have no intention to leave.

use super::DATABASE_BUSY;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_proto::events::v1::{ReadRequest, ReadResponse};
use std::time::Duration;
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic::{Code, Response, Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Of each kind, to each service.
const EACH: usize = 5;

/// How soon a guest who was turned away asks again.
const AGAIN: Duration = Duration::from_millis(200);

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
                let log = EventLogServiceClient::new(channel.clone());
                guests.streams.push(
                    let_in(|| {
                        let mut log = log.clone();
                        async move { log.read(ReadRequest::default()).await }
                    })
                    .await,
                );
                let health = HealthClient::new(channel.clone());
                guests.watches.push(
                    let_in(|| {
                        let mut health = health.clone();
                        async move { health.watch(HealthCheckRequest::default()).await }
                    })
                    .await,
                );
                guests.silent.push(TcpStream::connect(("127.0.0.1", *port)).await.unwrap());
            }
        }
        guests
    }

    pub(super) fn count(&self) -> usize {
        self.streams.len() + self.watches.len() + self.silent.len()
    }
}

/// Asks again where there are too many calls for the machine: that is for the callers to find out.
async fn let_in<T, F>(ask: impl Fn() -> F) -> T
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    loop {
        match ask().await {
            Ok(answer) => return answer.into_inner(),
            Err(status) if is_too_much(&status) => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(status) => panic!("{status}"),
        }
    }
}

fn is_too_much(status: &Status) -> bool {
    status.code() == Code::ResourceExhausted || status.message() == DATABASE_BUSY
}
