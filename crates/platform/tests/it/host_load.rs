//! Too much at once: turned away at once, by one limit for the whole process.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use perennial_platform::config::TokenConfig;
use perennial_platform::host::Host;
use perennial_proto::events::v1::ReadRequest;
use perennial_proto::events::v1::event_log_service_server::EventLogServiceServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::host_support::{
    HANG, Misbehaving, Server, call, channel, empty, eventually, replay, spawn,
};

fn assert_shed(status: &tonic::Status, reason: &str) {
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().unwrap().reason, reason);
    let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(!wait.is_zero() && wait < Duration::from_secs(2), "{wait:?}");
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert!(pushback.to_str().unwrap().parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn the_limit_holds_over_all_connections_and_health_is_exempt() {
    let server = Server::start(|config| {
        config.server.max_in_flight = 3;
        config.server.default_deadline_ms = 1_500;
    });
    // An open stream counts.
    let mut stream = server.client().read(ReadRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap();
    // Each call has a connection of its own.
    let calls = (0..6).map(|_| call(server.address, HANG, &[], empty()));
    let calls = spawn(futures::future::join_all(calls));
    eventually(async || server.service.budgets.lock().unwrap().len() == 2).await;
    let mut health = HealthClient::new(server.channel());
    health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
    let answers = calls.await.unwrap();
    let shed: Vec<_> =
        answers.iter().filter(|answer| answer.code == Code::ResourceExhausted).collect();
    assert_eq!(shed.len(), 4);
    for answer in &shed {
        assert_shed(&answer.status, "OVERLOADED");
        assert!(answer.took < Duration::from_secs(1), "at once: {:?}", answer.took);
    }
    let late = answers.iter().filter(|answer| answer.code == Code::DeadlineExceeded);
    assert_eq!(late.count(), 2);
    // What was taken is given back.
    drop(stream);
    let mut client = server.client();
    eventually(async || client.clone().replay_parked(replay()).await.is_ok()).await;
    client.replay_parked(replay()).await.unwrap();
}

#[tokio::test]
async fn two_services_of_a_process_share_the_limit() {
    let server = Server::start(|config| {
        config.server.max_in_flight = 1;
        config.server.default_deadline_ms = 600;
    });
    let mut second = Host::new(&server.process, "second", (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    second.service(EventLogServiceServer::new(Misbehaving::default()));
    let other = second.address();
    server.process.tasks().spawn(second.serve());
    let busy = spawn(call(server.address, HANG, &[], empty()));
    eventually(async || !server.service.budgets.lock().unwrap().is_empty()).await;
    let refused = call(other, HANG, &[], empty()).await;
    assert_shed(&refused.status, "OVERLOADED");
    assert_eq!(busy.await.unwrap().code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_caller_has_its_own_rate() {
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let server = Server::start(|config| {
        config.auth.tokens.push(TokenConfig {
            name: "crm".to_owned(),
            sha256,
            scopes: vec!["events.*".to_owned()],
            calls_per_second: 1,
        });
    });
    let mut refused = None;
    for _ in 0..3 {
        let mut request = tonic::Request::new(replay());
        let credentials = format!("Bearer {secret}").parse().unwrap();
        request.metadata_mut().insert("authorization", credentials);
        refused = server.client().replay_parked(request).await.err();
    }
    assert_shed(&refused.expect("the third within a second"), "RATE_LIMITED");
}

#[tokio::test]
async fn streams_on_one_connection_are_limited_and_a_thousand_calls_queue() {
    let server = Server::start(|_| {});
    assert_eq!(announced_max_streams(server.address).await, Some(200));
    let client = perennial_proto::events::v1::event_log_service_client::EventLogServiceClient::new(
        channel(server.address),
    );
    let calls = (0..1_000).map(|_| {
        let mut client = client.clone();
        async move { client.replay_parked(replay()).await.map_err(|status| status.code()) }
    });
    let outcomes = futures::future::join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 0);
}

/// SETTINGS_MAX_CONCURRENT_STREAMS in the server's first frame (RFC 9113, section 6.5).
async fn announced_max_streams(address: std::net::SocketAddr) -> Option<u32> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let [_, high, low, kind, ..] = head;
    assert_eq!(kind, 4, "SETTINGS comes first");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut settings).await.unwrap();
    let mut pairs = settings.chunks(6);
    pairs.find_map(|pair| match pair {
        [0, 3, value @ ..] => Some(u32::from_be_bytes(value.try_into().unwrap())),
        _ => None,
    })
}

#[tokio::test]
async fn peers_that_do_not_speak_http2_are_dropped() {
    let server = Server::start(|_| {});
    let closed = async |bytes: &'static [u8]| {
        let started = Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // An end or a reset, as the bytes were taken or not.
        let _ = stream.read(&mut [0; 64]).await;
        started.elapsed()
    };
    let (silent, halfway, http1) =
        tokio::join!(closed(b""), closed(b"PRI * HT"), closed(b"GET / HTTP/1.1\r\n\r\n"));
    let in_five_seconds = Duration::from_secs(4)..Duration::from_secs(8);
    assert!(in_five_seconds.contains(&silent), "{silent:?}");
    assert!(in_five_seconds.contains(&halfway), "{halfway:?}");
    assert!(http1 < Duration::from_secs(1), "{http1:?}");
}

#[tokio::test]
async fn a_connection_is_told_to_go_when_it_is_old_and_no_call_fails() {
    let server = Server::start(|config| config.server.max_connection_age_seconds = 1);
    let mut client = server.client();
    let until = Instant::now() + Duration::from_millis(2_500);
    let (mut calls, mut unsent) = (0, 0);
    while Instant::now() < until {
        match client.replay_parked(replay()).await {
            Ok(_) => calls += 1,
            // tonic's client does not send again what it had queued for a connection that is
            // gone by the time; such a call never left the client.
            Err(status) if status.code() == Code::Cancelled => unsent += 1,
            Err(status) => panic!("a call was lost: {status}"),
        }
    }
    assert!(calls > 100 && unsent <= 3, "{calls} answered, {unsent} not sent");
    // The control: a connection that is left open is closed by the server, in order.
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut received = Vec::new();
    let goaway = async {
        while !received.windows(9).any(|frame| frame[..4] == [0, 0, 8, 7]) {
            let mut piece = [0; 256];
            let count = idle.read(&mut piece).await.unwrap();
            assert!(count > 0, "closed without GOAWAY");
            received.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(3), goaway).await.expect("GOAWAY after a second");
}
