//! Callers that others vouch for, on the real binary: by a signed token, as a cluster projects it,
//! and by a certificate. Each time a purchase has to become points, which takes two services that
//! are let in to each other the same way.

use perennial_proto::admin::v1::{GetTimeRequest, GetTimeResponse};
use perennial_proto::identity::v1::{Activity, ActivityKind, TrackRequest, TrackResponse};
use perennial_proto::loyalty::v1::{GetBalanceRequest, GetBalanceResponse};
use perennial_proto::types::v1::Money;
use perennial_testkit::call::call;
use perennial_testkit::issuer::{SigningKey, claims, jwks};
use perennial_testkit::{Authority, CertificateFiles};
use perennial_tests::running::SERVICES;
use perennial_tests::{Running, Setup};
use prost::Message;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};

const ISSUER: &str = "https://issuer.example";
const SHOP: &str = "system:serviceaccount:shop:backend";
const TRACK: &str = "/perennial.identity.v1.ActivityService/Track";
const BALANCE: &str = "/perennial.loyalty.v1.PointsService/GetBalance";
const TIME: &str = "/perennial.admin.v1.ClockService/GetTime";

async fn ask<A: Message + Default>(
    channel: &Channel,
    path: &str,
    request: &impl Message,
    token: Option<&str>,
) -> Result<A, Status> {
    let method = perennial_proto::method(path).unwrap();
    let answers = call(channel, method, vec![request.encode_to_vec()], token).await?;
    Ok(A::decode(&*answers[0]).unwrap())
}

async fn balance(channel: &Channel, token: Option<&str>) -> Result<i64, Status> {
    let request = GetBalanceRequest { user_id: "ada".into() };
    let answer: GetBalanceResponse = ask(channel, BALANCE, &request, token).await?;
    Ok(answer.balance.map_or(0, |balance| balance.spendable))
}

/// Buys something and waits until loyalty has heard of it from identity.
async fn buys_and_earns(identity: &Channel, loyalty: &Channel, tokens: [Option<&str>; 2]) {
    let time: GetTimeResponse = ask(identity, TIME, &GetTimeRequest {}, tokens[0]).await.unwrap();
    let activity = Activity {
        user_id: "ada".into(),
        kind: ActivityKind::Purchase.into(),
        occur_time: time.time,
        amount: Some(Money { currency: "CNY".into(), minor_units: 1_000_000 }),
        source: "shop".into(),
        source_event_id: "order-1".into(),
        ..Activity::default()
    };
    let request = TrackRequest { activities: vec![activity], ..Default::default() };
    let answer: TrackResponse = ask(identity, TRACK, &request, tokens[0]).await.unwrap();
    assert_eq!(answer.recorded, 1);
    let until = Instant::now() + Duration::from_mins(1);
    while balance(loyalty, tokens[1]).await.unwrap_or_default() == 0 {
        assert!(Instant::now() < until, "identity's log does not reach loyalty");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A token that is good at one service.
fn token(key: &SigningKey, service: &str, subject: &str) -> String {
    key.sign(&claims(ISSUER, &format!("perennial/{service}"), subject, 600))
}

/// A suite that knows the issuer's tokens only: the shop's, and those that its own services find
/// in their folder.
async fn with_tokens(folder: &Path, key: &SigningKey) -> (Setup, Running) {
    std::fs::write(folder.join("jwks.json"), jwks(&[key])).unwrap();
    for service in SERVICES {
        std::fs::write(folder.join(service), token(key, service, "suite")).unwrap();
    }
    let (keys, tokens) = (folder.join("jwks.json"), folder.join("{service}"));
    let setup = Setup::fresh().await.with(&format!(
        "[auth]\npeer_token_file = \"{}\"\n\
         [auth.jwt]\nissuer = {ISSUER:?}\naudience = \"perennial/{{service}}\"\njwks = \"{}\"\n\
         [auth.callers.shop]\nsubject = {SHOP:?}\n\
         scopes = [\"identity.*\", \"loyalty.*\", \"admin.clock.read\"]\n\
         [auth.callers.suite]\nsubject = \"suite\"\nscopes = [\"events.read\", \"identity.*\"]\n",
        tokens.display(),
        keys.display(),
    ));
    let running = setup.start().await;
    (setup, running)
}

#[tokio::test]
async fn projected_tokens_carry_a_purchase_through_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::rs256("one");
    let (_setup, running) = with_tokens(folder.path(), &key).await;
    let [identity, _, loyalty, _] = running.channels();
    let [at_identity, at_loyalty] = ["identity", "loyalty"].map(|at| token(&key, at, SHOP));
    buys_and_earns(&identity, &loyalty, [Some(&at_identity), Some(&at_loyalty)]).await;
    let refused = async |token: &str| balance(&loyalty, Some(token)).await.unwrap_err().code();
    assert_eq!(refused(&at_identity).await, Code::Unauthenticated, "another service's audience");
    let nobody = token(&key, "loyalty", "system:serviceaccount:shop:other");
    assert_eq!(refused(&nobody).await, Code::PermissionDenied);
    let no_scope = token(&key, "loyalty", "suite");
    assert_eq!(refused(&no_scope).await, Code::PermissionDenied);
}

/// Tokens that must be refused, by what is wrong with them.
fn bad(key: &SigningKey) -> Vec<(&'static str, String)> {
    let good = claims(ISSUER, "perennial/loyalty", SHOP, 600);
    let but = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        key.sign(&claims)
    };
    let now = good["iat"].as_i64().unwrap();
    vec![
        ("garbage", "a.b.c".into()),
        ("expired", but("exp", json!(now - 61))),
        ("not yet valid", but("nbf", json!(now + 300))),
        ("wrong issuer", but("iss", json!("https://elsewhere"))),
        ("wrong audience", but("aud", json!("perennial/identity"))),
        ("alg none", key.without_signature(&good)),
        ("HS256 with the public key", key.confused(&good)),
        ("unknown key", SigningKey::es256("unknown").sign(&good)),
        ("another key under the same name", SigningKey::es256("one").sign(&good)),
    ]
}

#[tokio::test]
async fn bad_tokens_are_refused_and_new_keys_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::es256("one");
    let (_setup, running) = with_tokens(folder.path(), &key).await;
    let [_, _, loyalty, _] = running.channels();
    let code = async |token: Option<&str>| {
        let asked = ask::<GetTimeResponse>(&loyalty, TIME, &GetTimeRequest {}, token).await;
        asked.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!(code(None).await, Code::Unauthenticated);
    let (unknown, bad): (Vec<_>, Vec<_>) =
        bad(&key).into_iter().partition(|(what, _)| *what == "unknown key");
    for (what, token) in bad {
        assert_eq!(code(Some(&token)).await, Code::Unauthenticated, "{what}");
    }
    // The issuer begins to sign with another key: the first token makes us look for it.
    let next = SigningKey::es256("two");
    std::fs::write(folder.path().join("jwks.json"), jwks(&[&key, &next])).unwrap();
    for key in [&next, &key] {
        assert_eq!(code(Some(&token(key, "loyalty", SHOP))).await, Code::Ok);
    }
    assert_eq!(code(Some(&unknown[0].1)).await, Code::Unauthenticated);
}

/// A connection over TLS that shows `certificate`.
fn channel(port: u16, root: &str, certificate: Option<&CertificateFiles>) -> Channel {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
    if let Some(files) = certificate {
        let read = |file| std::fs::read(file).unwrap();
        tls = tls.identity(Identity::from_pem(read(&files.certificate), read(&files.key)));
    }
    let address = format!("https://localhost:{port}");
    Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap().connect_lazy()
}

#[tokio::test]
async fn certificates_carry_a_purchase_through_the_suite_and_are_replaced_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (root, folder) = (Authority::new("root"), folder.path());
    let ca = root.write(folder, "ca");
    let suite = "spiffe://cluster.local/ns/perennial/sa/suite";
    let shown = root.issue(folder, "suite", &[suite]);
    let (certificate, key) = (&shown.certificate, &shown.key);
    let setup = Setup::fresh().await.with(&format!(
        "[server.tls]\ncertificate = {certificate:?}\nkey = {key:?}\nclient_ca = {ca:?}\n\
         [peers.tls]\ncertificate = {certificate:?}\nkey = {key:?}\nca = {ca:?}\n\
         [auth]\ntrust_domain = \"cluster.local\"\n\
         [auth.callers.suite]\nspiffe = {suite:?}\nscopes = [\"events.read\", \"identity.*\"]\n\
         [auth.callers.shop]\nspiffe = \"spiffe://cluster.local/ns/shop/sa/backend\"\n\
         scopes = [\"identity.*\", \"loyalty.*\", \"admin.clock.read\"]\n"
    ));
    // Whether it serves is asked without TLS, as a kubelet does.
    let running = setup.start().await;
    let [identity, _, loyalty, _] = setup.ports();
    let shop = root.issue(folder, "shop", &["spiffe://cluster.local/ns/shop/sa/backend"]);
    let over = |port, certificate| channel(port, &root.pem(), certificate);
    buys_and_earns(&over(identity, Some(&shop)), &over(loyalty, Some(&shop)), [None; 2]).await;

    let code = async |channel: Channel| balance(&channel, None).await.unwrap_err().code();
    assert_eq!(code(running.channels()[2].clone()).await, Code::Unauthenticated, "plain");
    assert!(balance(&over(loyalty, None), None).await.is_err(), "no certificate");
    let other = Authority::new("other").issue(folder, "other", &[suite]);
    assert!(balance(&over(loyalty, Some(&other)), None).await.is_err(), "another root");
    let nameless = root.issue(folder, "nameless", &[]);
    assert_eq!(code(over(loyalty, Some(&nameless))).await, Code::Unauthenticated);
    let elsewhere = root.issue(folder, "elsewhere", &["spiffe://elsewhere/ns/shop/sa/backend"]);
    assert_eq!(code(over(loyalty, Some(&elsewhere))).await, Code::Unauthenticated);
    let nobody = root.issue(folder, "nobody", &["spiffe://cluster.local/ns/shop/sa/nobody"]);
    assert_eq!(code(over(loyalty, Some(&nobody))).await, Code::PermissionDenied);

    // Nonsense first, then a good pair: every new connection is answered all the while.
    for content in ["nonsense", ""] {
        if content.is_empty() {
            root.issue(folder, "suite", &[suite]);
        } else {
            std::fs::write(certificate, content).unwrap();
        }
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            balance(&over(loyalty, Some(&shop)), None).await.unwrap();
        }
    }
    let log = setup.log();
    assert!(log.contains("of no use; the last good ones stay"), "{log}");
    assert!(log.contains("read again"), "{log}");
}
