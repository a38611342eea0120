//! Who gets in: deny by default, outside of the router.

use std::net::Ipv4Addr;

use perennial_platform::config::TokenConfig;
use perennial_platform::host::Host;
use perennial_proto::METHODS;
use tonic::Code;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha::{ListServiceResponse, ServerReflectionRequest};

use crate::host_support::{ECHO, HEALTH, STREAM, Server, call, empty, replay};

const UNKNOWN: &str = "/no.Such/Method";
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// A server that knows one caller, and the caller's header.
fn guarded(scopes: &[&str]) -> (Server, String) {
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let server = Server::start(|config| {
        config.auth.tokens.push(TokenConfig {
            name: "crm".to_owned(),
            sha256,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            calls_per_second: 0,
        });
    });
    (server, format!("Bearer {secret}"))
}

#[tokio::test]
async fn strangers_are_refused_everything_but_health() {
    let (server, _) = guarded(&["*"]);
    let contract = METHODS.iter().map(|method| method.path);
    for path in contract.chain(REFLECTION).chain([UNKNOWN]) {
        for headers in [&[][..], &[("authorization", "Bearer guess")]] {
            let answer = call(server.address, path, headers, empty()).await;
            assert_eq!(answer.code, Code::Unauthenticated, "{path} {headers:?}");
        }
    }
    assert_eq!(call(server.address, HEALTH, &[], empty()).await.code, Code::Ok);
}

#[tokio::test]
async fn a_known_caller_gets_what_its_scopes_cover() {
    let (server, token) = guarded(&["events.read"]);
    let headers = [("authorization", token.as_str()), ("grpc-timeout", "100m")];
    let code = async |path| call(server.address, path, &headers, empty()).await.code;
    assert_eq!(code(STREAM).await, Code::DeadlineExceeded, "an open stream, so let in");
    assert_eq!(code(ECHO).await, Code::PermissionDenied);
    assert_eq!(code(REFLECTION[0]).await, Code::PermissionDenied);
    assert_eq!(code(UNKNOWN).await, Code::Unimplemented);
}

#[tokio::test]
async fn handlers_learn_who_calls() {
    let (server, token) = guarded(&["*"]);
    let mut request = tonic::Request::new(replay());
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    server.client().replay_parked(request).await.unwrap();
    assert_eq!(*server.service.callers.lock().unwrap(), ["crm"]);
}

#[tokio::test]
async fn an_open_suite_serves_loopback_only() {
    let server = Server::start(|_| {});
    server.client().replay_parked(replay()).await.unwrap();
    assert_eq!(*server.service.callers.lock().unwrap(), ["anonymous"]);
    let beyond = Host::new(&server.process, "test", (Ipv4Addr::UNSPECIFIED, 0).into());
    assert_eq!(beyond.err().unwrap().reason(), "AUTH_REQUIRED");
}

#[tokio::test]
async fn old_grpcurl_finds_the_services_by_v1alpha() {
    let server = Server::start(|_| {});
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(server.channel());
    let answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(ListServiceResponse { service })) =
        answer.message_response
    else {
        panic!("a list of services");
    };
    let mut names: Vec<_> = service.into_iter().map(|service| service.name).collect();
    names.sort();
    let served = [
        "grpc.health.v1.Health",
        "perennial.admin.v1.ClockService",
        "perennial.events.v1.EventLogService",
    ];
    assert_eq!(names, served, "what is served here, not every contract");
}
