//! Callers with signed tokens: what is accepted, what is refused, and where the keys come from.

use std::path::Path;
use std::time::Instant;

use perennial_platform::config::{
    AuthConfig, CallerConfig, JwtConfig, PlatformConfig, TokenConfig,
};
use perennial_platform::events::Peer;
use perennial_testkit::Authority;
use perennial_testkit::issuer::{SigningKey, claims, jwks};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::host_support::{Answer, ECHO, Misbehaving, Server, call, eventually, replay, spawn};
use crate::key_server::KeyServer;

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The host of these tests serves under the name "test".
const AUDIENCE: &str = "perennial/test";
const SUBJECT: &str = "system:serviceaccount:shop:backend";

/// Callers as a cluster would have them.
fn auth(jwks: &str) -> AuthConfig {
    AuthConfig {
        jwt: Some(JwtConfig {
            issuer: ISSUER.to_owned(),
            audience: "perennial/{service}".to_owned(),
            jwks: jwks.to_owned(),
            ca: None,
            token_file: None,
            leeway_seconds: 60,
            refresh_seconds: 300,
        }),
        callers: [("shop".to_owned(), shop())].into(),
        ..Default::default()
    }
}

fn shop() -> CallerConfig {
    let (subject, scopes) = (Some(SUBJECT.to_owned()), vec!["*".to_owned()]);
    CallerConfig { subject, scopes, ..Default::default() }
}

fn server(auth: AuthConfig) -> Server {
    Server::start(|config: &mut PlatformConfig| config.auth = auth)
}

async fn ask(server: &Server, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    call(server.address, ECHO, &[("authorization", bearer.as_str())], message()).await
}

/// A valid message for `ECHO`.
fn message() -> Vec<u8> {
    let body = prost::Message::encode_to_vec(&replay());
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &body].concat()
}

fn reason(answer: &Answer) -> String {
    answer
        .status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

fn good() -> Value {
    claims(ISSUER, AUDIENCE, SUBJECT, 600)
}

/// The good claims but for one; null takes it away.
fn but(claim: &str, value: Value) -> Value {
    let mut claims = good();
    claims[claim] = value;
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn now() -> i64 {
    good()["iat"].as_i64().unwrap()
}

/// Every token that must be refused, by what is wrong with it.
fn bad(key: &SigningKey) -> Vec<(&'static str, String)> {
    let signed = |claims: Value| key.sign(&claims);
    let other = SigningKey::es256("known");
    let header = json!({"alg": key.algorithm(), "kid": "known"});
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        key.sign_as(&header, &good())
    };
    let token = signed(good());
    let (start, signature) = token.rsplit_once('.').unwrap();
    vec![
        ("garbage", "garbage".to_owned()),
        ("garbage in three parts", "a.b.c".to_owned()),
        ("cut", token[..token.len() - 4].to_owned()),
        ("no signature", format!("{start}.")),
        ("expired", signed(but("exp", json!(now() - 61)))),
        ("expiry that is no number", signed(but("exp", json!("never")))),
        ("no expiry", signed(but("exp", Value::Null))),
        ("not yet valid", signed(but("nbf", json!(now() + 300)))),
        ("wrong issuer", signed(but("iss", json!("https://elsewhere")))),
        ("no issuer", signed(but("iss", Value::Null))),
        ("another service's audience", signed(but("aud", json!(["perennial/loyalty"])))),
        ("no audience", signed(but("aud", Value::Null))),
        ("no subject", signed(but("sub", Value::Null))),
        ("alg none", key.without_signature(&good())),
        ("HS256 with the public key", key.confused(&good())),
        ("another algorithm in the header", with("alg", json!("RS512"))),
        ("an extension we must understand", with("crit", json!(["exp"]))),
        ("no kid", key.sign_as(&json!({"alg": key.algorithm()}), &good())),
        ("unknown kid", with("kid", json!("unknown"))),
        ("another's key under a known kid", other.sign(&good())),
        ("other claims than were signed", {
            let claims = signed(but("sub", json!("system:serviceaccount:shop:admin")));
            let claims = claims.split('.').nth(1).unwrap().to_owned();
            format!("{}.{claims}.{signature}", start.split('.').next().unwrap())
        }),
        ("too long", signed(but("jti", json!("x".repeat(8_000))))),
    ]
}

#[tokio::test]
async fn a_good_token_gets_in_and_no_other_one() {
    for key in [SigningKey::es256("known"), SigningKey::rs256("known")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        std::fs::write(&file, jwks(&[&key])).unwrap();
        let server = server(auth(file.to_str().unwrap()));
        let algorithm = key.algorithm();
        for (what, token) in bad(&key) {
            let answer = ask(&server, &token).await;
            assert_eq!(answer.code, Code::Unauthenticated, "{algorithm}, {what}");
            assert_eq!(reason(&answer), "CREDENTIALS_UNKNOWN", "{algorithm}, {what}");
            let told = "the bearer token is not known or not valid here";
            assert_eq!(answer.status.message(), told, "{algorithm}, {what}: nothing more is told");
        }
        let none = call(server.address, ECHO, &[], message()).await;
        assert_eq!(reason(&none), "CREDENTIALS_REQUIRED");
        let unmapped = but("sub", json!("system:serviceaccount:shop:other"));
        let unmapped = ask(&server, &key.sign(&unmapped)).await;
        assert_eq!(
            (unmapped.code, &*reason(&unmapped)),
            (Code::PermissionDenied, "CALLER_UNKNOWN")
        );
        assert!(server.service.callers.lock().unwrap().is_empty(), "nobody reached a handler");

        let late = but("exp", json!(now() - 30));
        for claims in [good(), but("aud", json!(AUDIENCE)), but("nbf", Value::Null), late] {
            let answer = ask(&server, &key.sign(&claims)).await;
            assert_eq!(answer.code, Code::Ok, "{algorithm}, {claims}: {}", answer.status);
        }
        assert_eq!(*server.service.callers.lock().unwrap(), ["shop"; 4]);
    }
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_once_for_all_and_not_too_often() {
    let (old, new, made_up) =
        (SigningKey::es256("old"), SigningKey::es256("new"), SigningKey::es256("made up"));
    let (issuer, address) = KeyServer::start(&jwks(&[&old])).await;
    let server = std::sync::Arc::new(server(auth(&address)));
    assert_eq!(ask(&server, &old.sign(&good())).await.code, Code::Ok);
    assert_eq!(issuer.asked(), 1);

    let started = Instant::now();
    issuer.answer(Some(&jwks(&[&new])));
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let (server, token) = (std::sync::Arc::clone(&server), new.sign(&good()));
            spawn(async move { ask(&server, &token).await.code })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Code::Ok);
    }
    assert_eq!(issuer.asked(), 2, "one asked for all");
    assert_eq!(ask(&server, &old.sign(&good())).await.code, Code::Unauthenticated, "taken back");
    for _ in 0..20 {
        assert_eq!(ask(&server, &made_up.sign(&good())).await.code, Code::Unauthenticated);
    }
    let most = 2 + usize::try_from(started.elapsed().as_secs() / 10).unwrap();
    assert!(issuer.asked() <= most, "strangers make us ask again and again");
}

#[tokio::test]
async fn the_last_good_keys_stay_while_the_issuer_is_away() {
    let key = SigningKey::es256("known");
    let (issuer, address) = KeyServer::start(&jwks(&[&key])).await;
    let mut auth = auth(&address);
    auth.jwt.as_mut().unwrap().refresh_seconds = 1;
    let server = server(auth);
    assert_eq!(ask(&server, &key.sign(&good())).await.code, Code::Ok);
    let oversized = format!("{}{}", jwks(&[&SigningKey::es256("known")]), " ".repeat(300_000));
    for broken in [None, Some("not JSON"), Some(r#"{"keys": []}"#), Some(oversized.as_str())] {
        issuer.answer(broken);
        let before = issuer.asked();
        eventually(async || issuer.asked() >= before + 2).await;
        let answer = ask(&server, &key.sign(&good())).await;
        assert_eq!(answer.code, Code::Ok, "while the issuer answers {broken:.20?}");
    }
}

#[tokio::test]
async fn without_any_keys_nobody_can_tell_and_our_own_tokens_still_work() {
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let mut auth = auth("http://127.0.0.1:1/keys");
    auth.tokens.push(TokenConfig {
        name: "crm".to_owned(),
        sha256,
        scopes: vec!["*".to_owned()],
        calls_per_second: 0,
    });
    let server = server(auth);
    let answer = ask(&server, &SigningKey::es256("known").sign(&good())).await;
    assert_eq!((answer.code, &*reason(&answer)), (Code::Unavailable, "KEYS_UNAVAILABLE"));
    assert_eq!(ask(&server, "per_guess").await.code, Code::Unauthenticated);
    assert_eq!(ask(&server, &secret).await.code, Code::Ok);
    assert_eq!(*server.service.callers.lock().unwrap(), ["crm"]);
}

#[tokio::test]
async fn an_api_server_is_believed_by_its_root_and_asked_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (Authority::new("cluster"), Authority::new("other"));
    let certificate = root.issue(folder.path(), "api", &[]);
    let key = SigningKey::es256("known");
    let (issuer, address) = KeyServer::start_tls(&jwks(&[&key]), &certificate).await;
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "projected-1\n").unwrap();
    let start = |ca: &Authority| {
        let mut auth = auth(&address);
        let jwt = auth.jwt.as_mut().unwrap();
        jwt.ca = Some(ca.write(folder.path(), "ca"));
        jwt.token_file = Some(token_file.clone());
        jwt.refresh_seconds = 1;
        server(auth)
    };
    let doubting = start(&other);
    assert_eq!(ask(&doubting, &key.sign(&good())).await.code, Code::Unavailable);
    drop(doubting);
    let server = start(&root);
    assert_eq!(ask(&server, &key.sign(&good())).await.code, Code::Ok);
    assert!(issuer.last_request().contains("authorization: Bearer projected-1\r\n"));
    std::fs::write(&token_file, "projected-2").unwrap();
    eventually(async || issuer.last_request().contains("authorization: Bearer projected-2\r\n"))
        .await;
}

#[tokio::test]
async fn services_present_the_token_that_stands_in_the_file_now() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::es256("known");
    let keys = folder.path().join("jwks.json");
    std::fs::write(&keys, jwks(&[&key])).unwrap();
    let callee = server(auth(keys.to_str().unwrap()));
    let write = |folder: &Path, claims: &Value| {
        // As the kubelet does: the file is replaced, never half written.
        std::fs::write(folder.join("new"), key.sign(claims)).unwrap();
        std::fs::rename(folder.join("new"), folder.join("identity.token")).unwrap();
    };
    write(folder.path(), &but("exp", json!(now() - 300)));
    for other in ["feedback", "loyalty", "notification"] {
        std::fs::write(folder.path().join(format!("{other}.token")), "none").unwrap();
    }
    let caller = Server::with(
        perennial_platform::clock::Clock::manual(chrono::DateTime::UNIX_EPOCH),
        |config| {
            config.peers.identity = format!("http://{}", callee.address);
            let files = folder.path().join("{service}.token");
            config.auth.peer_token_file = Some(files.to_str().unwrap().to_owned());
        },
        |host| Misbehaving { relay: Some(host.peer(Peer::Identity)), ..Default::default() },
    );
    // The callee hangs once it has let somebody in.
    let relayed =
        async || call(caller.address, ECHO, &[("grpc-timeout", "2S")], message()).await.code;
    assert_eq!(relayed().await, Code::Unauthenticated, "the token is expired");
    write(folder.path(), &good());
    eventually(async || relayed().await == Code::DeadlineExceeded).await;
    assert!(!callee.service.budgets.lock().unwrap().is_empty());
}
