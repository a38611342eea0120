//! Health, reflection, and an end that comes in order and in time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use perennial_proto::events::v1::ReadRequest;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::host_support::{HANG, Server, call, channel, empty, eventually, plain_tonic, spawn};

const SERVICE: &str = "perennial.events.v1.EventLogService";

async fn health(channel: Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_follows_readiness_overall_and_by_service() {
    let unready = Server::start(|_| {});
    unready.ready.store(false, Ordering::Relaxed);
    let channel = unready.channel();
    for service in ["", SERVICE] {
        assert_eq!(health(channel.clone(), service).await, ServingStatus::NotServing);
    }
    unready.ready.store(true, Ordering::Relaxed);
    for service in ["", SERVICE] {
        eventually(async || health(channel.clone(), service).await == ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn control_plain_tonic_is_serving_from_the_first_instant() {
    let (address, _serving) = plain_tonic(CancellationToken::new()).await;
    assert_eq!(health(channel(address), "").await, ServingStatus::Serving);
}

/// Everything that keeps a graceful shutdown waiting for ever.
struct Guests {
    stream: tonic::Streaming<perennial_proto::events::v1::ReadResponse>,
    watch: tonic::Streaming<HealthCheckResponse>,
    _silent: TcpStream,
}

async fn guests(address: std::net::SocketAddr) -> Guests {
    let mut client =
        perennial_proto::events::v1::event_log_service_client::EventLogServiceClient::new(channel(
            address,
        ));
    let mut stream = client.read(ReadRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap();
    let mut watch = HealthClient::new(channel(address))
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    Guests { stream, watch, _silent: TcpStream::connect(address).await.unwrap() }
}

#[tokio::test]
async fn open_streams_watchers_and_silent_peers_do_not_keep_the_server() {
    let server = Server::start(|config| config.server.drain_seconds = 10);
    let mut guests = guests(server.address).await;
    let took = server.stop().await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    let last = guests.watch.message().await.unwrap().unwrap().status();
    assert_eq!(last, ServingStatus::NotServing, "heard before the end");
    assert_eq!(guests.watch.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(guests.stream.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn control_plain_tonic_waits_for_them_for_ever() {
    let stop = CancellationToken::new();
    let (address, serving) = plain_tonic(stop.clone()).await;
    let _guests = guests(address).await;
    stop.cancel();
    assert!(tokio::time::timeout(Duration::from_millis(800), serving).await.is_err());
}

#[tokio::test]
async fn a_call_that_goes_on_is_cut_when_the_grace_is_over() {
    let server = Server::start(|config| config.server.drain_seconds = 1);
    let address = server.address;
    let hanging = spawn(async move {
        let mut client =
            perennial_proto::events::v1::event_log_service_client::EventLogServiceClient::new(
                channel(address),
            );
        client.list_consumers(perennial_proto::events::v1::ListConsumersRequest {}).await
    });
    eventually(async || !server.service.budgets.lock().unwrap().is_empty()).await;
    let took = server.stop().await;
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(3), "{took:?}");
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_call_in_flight_is_answered_while_the_server_drains() {
    let server = Server::start(|config| config.server.default_deadline_ms = 400);
    let hanging = spawn(call(server.address, HANG, &[], empty()));
    eventually(async || !server.service.budgets.lock().unwrap().is_empty()).await;
    let took = server.stop().await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(hanging.await.unwrap().code, Code::DeadlineExceeded, "answered, not cut");
}

#[tokio::test]
async fn load_balancers_have_time_to_notice() {
    let server = Server::start(|config| config.server.drain_delay_seconds = 1);
    let channel = server.channel();
    eventually(async || health(channel.clone(), "").await == ServingStatus::Serving).await;
    let address = server.address;
    let stopping = spawn(server.stop());
    let fresh = crate::host_support::channel(address);
    eventually(async || health(fresh.clone(), "").await == ServingStatus::NotServing).await;
    let took = stopping.await.unwrap();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(TcpStream::connect(address).await.is_err(), "the port is free");
}
