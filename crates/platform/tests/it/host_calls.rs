//! Calls that go wrong end with the code that says how.

use std::time::Duration;

use perennial_platform::clock::Clock;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_types::StatusExt;

use crate::host_support::{
    ECHO, HANG, Misbehaving, PANIC, STREAM, Server, call, empty, plain_tonic, replay,
};

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

#[tokio::test]
async fn a_call_out_of_time_is_deadline_exceeded() {
    let server = Server::start(|config| {
        config.server.default_deadline_ms = 150;
        config.server.max_deadline_ms = 300;
    });
    // The caller's own deadline, the default, and the maximum.
    for (timeout, least) in [(Some("50m"), 50), (None, 150), (Some("1H"), 300)] {
        let headers: Vec<_> = timeout.map(|value| ("grpc-timeout", value)).into_iter().collect();
        let answer = call(server.address, HANG, &headers, empty()).await;
        assert_eq!(answer.code, Code::DeadlineExceeded, "{timeout:?}");
        assert!(answer.took >= Duration::from_millis(least), "{timeout:?} took {:?}", answer.took);
        assert!(answer.took < Duration::from_millis(least + 1_000), "{:?}", answer.took);
    }
    let malformed = call(server.address, HANG, &[("grpc-timeout", "soon")], empty()).await;
    assert_eq!(malformed.code, Code::InvalidArgument);
}

#[tokio::test]
async fn control_plain_tonic_says_cancelled_when_out_of_time() {
    let (address, _serving) = plain_tonic(CancellationToken::new()).await;
    let answer = call(address, HANG, &[("grpc-timeout", "50m")], empty()).await;
    assert_eq!(answer.code, Code::Cancelled);
}

#[tokio::test]
async fn a_deadline_ends_a_stream_too_but_the_default_does_not() {
    let server = Server::start(|config| config.server.default_deadline_ms = 50);
    let answer = call(server.address, STREAM, &[("grpc-timeout", "200m")], empty()).await;
    assert_eq!(answer.code, Code::DeadlineExceeded);
    assert!(answer.took >= Duration::from_millis(200));

    let open = call(server.address, STREAM, &[], empty());
    let ended = tokio::time::timeout(Duration::from_millis(300), open).await;
    assert!(ended.is_err(), "nobody asked for an end");
}

#[tokio::test]
async fn calls_to_peers_inherit_what_is_left() {
    let back = Server::start(|_| {});
    let address = back.address;
    let front = Server::with(
        Clock::system(),
        |config| config.peers.loyalty = format!("http://{address}"),
        |host| Misbehaving {
            relay: Some(host.peer(perennial_platform::events::Peer::Loyalty)),
            ..Misbehaving::default()
        },
    );
    let request = frame(&replay().encode_to_vec());
    let answer = call(front.address, ECHO, &[("grpc-timeout", "400m")], request).await;
    assert_eq!(answer.code, Code::DeadlineExceeded);
    let budgets = back.service.budgets.lock().unwrap().clone();
    let [Some(inherited)] = budgets[..] else { panic!("one call, with a deadline: {budgets:?}") };
    assert!(inherited <= Duration::from_millis(390), "{inherited:?}");
}

#[tokio::test]
async fn a_panic_is_internal_and_the_connection_lives() {
    let server = Server::start(|_| {});
    let mut client = server.client();
    let status =
        client.list_parked(perennial_proto::events::v1::ListParkedRequest::default()).await;
    let status = status.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    client.replay_parked(replay()).await.unwrap();
}

#[tokio::test]
async fn control_plain_tonic_resets_the_stream_when_a_handler_panics() {
    let (address, _serving) = plain_tonic(CancellationToken::new()).await;
    let mut client =
        perennial_proto::events::v1::event_log_service_client::EventLogServiceClient::new(
            crate::host_support::channel(address),
        );
    let outcome =
        client.list_parked(perennial_proto::events::v1::ListParkedRequest::default()).await;
    assert_ne!(outcome.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_fault() {
    let server = Server::start(|_| {});
    for bad in [&[0xff_u8, 0xff, 0xff][..], &[0x08], &[0x0a, 0x05, b'a'], &[0x0a, 1, 0xff]] {
        let answer = call(server.address, ECHO, &[], frame(bad)).await;
        assert_eq!(answer.code, Code::InvalidArgument, "{bad:?}");
    }
    let answer = call(server.address, ECHO, &[], frame(&[])).await;
    let violations = answer.status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["consumer", "event_id"], "all at once");
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_by_its_announced_length() {
    let server = Server::start(|config| config.server.max_message_bytes = 1_000);
    let mut request = replay();
    request.consumer = "x".repeat(2_000);
    let answer = call(server.address, ECHO, &[], frame(&request.encode_to_vec())).await;
    assert_eq!(answer.code, Code::ResourceExhausted);
    let reason = answer.status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "MESSAGE_TOO_LARGE");
    // Announced only: the rest never comes.
    let huge = [&[0][..], &u32::MAX.to_be_bytes(), &[1, 2, 3]].concat();
    let answer = call(server.address, ECHO, &[], huge).await;
    assert_eq!(answer.code, Code::ResourceExhausted);
}

#[tokio::test]
async fn panics_in_one_call_do_not_touch_others() {
    let server = Server::start(|_| {});
    let calls = (0..20).map(|n| {
        let path = if n % 2 == 0 { PANIC } else { ECHO };
        let body = if n % 2 == 0 { empty() } else { frame(&replay().encode_to_vec()) };
        async move { (n, call(server.address, path, &[], body).await.code) }
    });
    for (n, code) in futures::future::join_all(calls).await {
        assert_eq!(code, if n % 2 == 0 { Code::Internal } else { Code::Ok });
    }
}
