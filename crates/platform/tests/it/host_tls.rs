//! TLS on the port and towards peers: who gets in by certificate, and files replaced meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::DateTime;
use perennial_platform::clock::Clock;
use perennial_platform::config::{
    CallerConfig, PeerTlsConfig, PlatformConfig, TlsConfig, TokenConfig,
};
use perennial_platform::events::Peer;
use perennial_proto::events::v1::event_log_service_client::EventLogServiceClient;
use perennial_testkit::{Authority, CertificateFiles};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::host_support::{
    ECHO, HEALTH, Misbehaving, Server, call, empty, eventually, replay, spawn,
};

const SHOP: &str = "spiffe://cluster.local/ns/shop/sa/backend";

/// Roots and a server's certificate in a folder.
struct Files {
    folder: tempfile::TempDir,
    root: Authority,
    server: CertificateFiles,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Authority::new("root");
        root.write(folder.path(), "ca");
        let server = root.issue(folder.path(), "server", &[]);
        Self { folder, root, server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn client(&self, name: &str, uris: &[&str]) -> CertificateFiles {
        self.root.issue(self.path(), name, uris)
    }

    fn tls(&self) -> TlsConfig {
        TlsConfig {
            certificate: self.server.certificate.clone(),
            key: self.server.key.clone(),
            client_ca: Some(self.path().join("ca.crt")),
        }
    }

    /// One that knows the shop by its certificate.
    fn start(&self) -> Server {
        Server::start(|config| self.adjust(config))
    }

    fn adjust(&self, config: &mut PlatformConfig) {
        config.server.tls = Some(self.tls());
        config.auth.trust_domain = Some("cluster.local".to_owned());
        let (spiffe, scopes) = (Some(SHOP.to_owned()), vec!["events.*".to_owned()]);
        let shop = CallerConfig { spiffe, scopes, ..Default::default() };
        config.auth.callers.insert("shop".to_owned(), shop);
    }
}

/// A connection of its own, that believes in `root` and shows `certificate`.
fn channel(server: &Server, root: &str, certificate: Option<&CertificateFiles>) -> Channel {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
    if let Some(files) = certificate {
        let read = |file| std::fs::read(file).unwrap();
        tls = tls.identity(Identity::from_pem(read(&files.certificate), read(&files.key)));
    }
    Endpoint::from_shared(format!("https://localhost:{}", server.address.port()))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect_lazy()
}

async fn echo(channel: Channel) -> Result<(), Status> {
    EventLogServiceClient::new(channel).replay_parked(replay()).await.map(|_| ())
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_good_certificate_gets_in_and_no_other_one() {
    let files = Files::new();
    let server = files.start();
    let root = files.root.pem();
    let stranger = Authority::new("stranger");
    std::fs::create_dir(files.path().join("stranger")).unwrap();
    let forged = stranger.issue(&files.path().join("stranger"), "shop", &[SHOP]);
    for (what, certificate) in [("no certificate", None), ("a stranger's root", Some(&forged))] {
        let refused = echo(channel(&server, &root, certificate)).await.unwrap_err();
        assert_eq!(reason(&refused), "", "{what}: the connection failed: {refused}");
        assert_ne!(refused.code(), Code::Ok);
    }
    let by = async |name: &str, uris: &[&str]| {
        let shown = files.client(name, uris);
        let refused = echo(channel(&server, &root, Some(&shown))).await.unwrap_err();
        (refused.code(), reason(&refused))
    };
    let unknown = (Code::Unauthenticated, "CERTIFICATE_UNKNOWN".to_owned());
    assert_eq!(by("no name", &[]).await, unknown);
    assert_eq!(by("another kind of name", &["https://cluster.local/ns/shop"]).await, unknown);
    assert_eq!(by("two names", &[SHOP, "spiffe://cluster.local/ns/a/sa/b"]).await, unknown);
    let elsewhere = "spiffe://elsewhere/ns/shop/sa/backend";
    assert_eq!(by("another trust domain", &[elsewhere]).await, unknown);
    let nobody = (Code::PermissionDenied, "CALLER_UNKNOWN".to_owned());
    assert_eq!(by("unmapped", &["spiffe://cluster.local/ns/shop/sa/other"]).await, nobody);
    assert!(server.service.callers.lock().unwrap().is_empty(), "nobody reached a handler");

    let shop = files.client("shop", &[SHOP]);
    let good = channel(&server, &root, Some(&shop));
    echo(good.clone()).await.unwrap();
    assert_eq!(*server.service.callers.lock().unwrap(), ["shop"]);
    let doubting = channel(&server, &stranger.pem(), Some(&shop));
    assert!(echo(doubting).await.is_err(), "callers check the server, too");
    let took = server.stop().await;
    assert!(took < Duration::from_secs(5), "an open TLS connection holds up nothing: {took:?}");
}

#[tokio::test]
async fn a_token_over_a_certificate_says_who_calls() {
    let files = Files::new();
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let server = Server::start(|config| {
        files.adjust(config);
        config.auth.tokens.push(TokenConfig {
            name: "crm".to_owned(),
            sha256,
            scopes: vec!["*".to_owned()],
            calls_per_second: 0,
        });
    });
    let shop = files.client("shop", &[SHOP]);
    let channel = channel(&server, &files.root.pem(), Some(&shop));
    let mut client = EventLogServiceClient::new(channel);
    let with = |token: &str| {
        let mut request = Request::new(replay());
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    };
    client.replay_parked(with(&secret)).await.unwrap();
    assert_eq!(*server.service.callers.lock().unwrap(), ["crm"]);
    let refused = client.replay_parked(with("per_guess")).await.unwrap_err();
    assert_eq!(reason(&refused), "CREDENTIALS_UNKNOWN", "a bad token is not made good");
}

#[tokio::test]
async fn without_tls_health_is_answered_and_nothing_else() {
    let files = Files::new();
    let closed = files.start();
    let open = Server::start(|config| {
        config.server.tls = Some(TlsConfig { client_ca: None, ..files.tls() });
    });
    for server in [&closed, &open] {
        assert_eq!(call(server.address, HEALTH, &[], empty()).await.code, Code::Ok);
        for path in [ECHO, "/no.Such/Method", "/grpc.reflection.v1.ServerReflection/X"] {
            let answer = call(server.address, path, &[], empty()).await;
            assert_eq!(answer.code, Code::Unauthenticated, "{path}");
            assert_eq!(reason(&answer.status), "TLS_REQUIRED", "{path}");
        }
    }
    echo(channel(&open, &files.root.pem(), None)).await.unwrap();
}

#[tokio::test]
async fn peers_that_say_nothing_are_dropped_before_and_after_the_handshake() {
    let files = Files::new();
    let server = Server::start(|config| {
        config.server.tls = Some(TlsConfig { client_ca: None, ..files.tls() });
    });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(files.root.pem().as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(shaken.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let patience = Duration::from_secs(30);
    let _ = tokio::time::timeout(patience, silent.read_to_end(&mut Vec::new())).await.unwrap();
    let _ = tokio::time::timeout(patience, shaken.read_to_end(&mut Vec::new())).await.unwrap();
}

/// Asks over a new connection each time, until told to stop; tells how often, and what failed.
fn keep_asking(
    server: &Arc<Server>,
    root: String,
    shop: CertificateFiles,
) -> (Arc<AtomicBool>, Arc<AtomicUsize>, tokio::task::JoinHandle<Vec<Status>>) {
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (server, until, count) = (Arc::clone(server), Arc::clone(&stop), Arc::clone(&asked));
    let asking = spawn(async move {
        let mut failed = Vec::new();
        while !until.load(Ordering::Relaxed) {
            failed.extend(echo(channel(&server, &root, Some(&shop))).await.err());
            count.fetch_add(1, Ordering::Relaxed);
        }
        failed
    });
    (stop, asked, asking)
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_without_a_failed_call() {
    let files = Files::new();
    let server = Arc::new(files.start());
    let shop = files.client("shop", &[SHOP]);
    let (old, new) = (files.root.pem(), Authority::new("new root"));
    let kept = channel(&server, &old, Some(&shop));
    echo(kept.clone()).await.unwrap();
    let (stop, asked, asking) = keep_asking(&server, format!("{old}{}", new.pem()), shop.clone());
    let presents_new = async || echo(channel(&server, &new.pem(), Some(&shop))).await.is_ok();
    let asked_on = async || {
        let before = asked.load(Ordering::Relaxed);
        eventually(async || asked.load(Ordering::Relaxed) > before + 5).await;
    };

    // Nonsense, then a certificate before its key: neither may be used, nor end anything.
    std::fs::write(&files.server.certificate, "nonsense").unwrap();
    let until = Instant::now() + Duration::from_millis(2_500);
    eventually(async || Instant::now() > until).await;
    asked_on().await;
    std::fs::create_dir(files.path().join("next")).unwrap();
    let next = new.issue(&files.path().join("next"), "server", &[]);
    std::fs::copy(&next.certificate, &files.server.certificate).unwrap();
    let until = Instant::now() + Duration::from_millis(2_500);
    eventually(async || Instant::now() > until).await;
    asked_on().await;
    assert!(!presents_new().await, "the certificate is not used before its key is there");

    std::fs::copy(&next.key, &files.server.key).unwrap();
    eventually(presents_new).await;
    asked_on().await;
    stop.store(true, Ordering::Relaxed);
    let failed = asking.await.unwrap();
    assert!(failed.is_empty(), "{} failed, such as {}", failed.len(), failed[0]);
    echo(kept).await.unwrap();

    // The callers' root is replaced as well: the old one's certificates are no good any more.
    new.write(files.path(), "ca");
    eventually(async || echo(channel(&server, &new.pem(), Some(&shop))).await.is_err()).await;
    let renewed = new.issue(files.path(), "renewed", &[SHOP]);
    echo(channel(&server, &new.pem(), Some(&renewed))).await.unwrap();
}

#[tokio::test]
async fn services_know_each_other_by_certificate() {
    let files = Files::new();
    // The callee ends connections soon, so that there are new ones.
    let callee = Server::start(|config| {
        files.adjust(config);
        config.server.max_connection_age_seconds = 1;
    });
    let own = files.client("own", &["spiffe://cluster.local/ns/shop/sa/other"]);
    let caller = Server::with(
        Clock::manual(DateTime::UNIX_EPOCH),
        |config| {
            let address = |port: u16| format!("https://localhost:{port}");
            let peers = &mut config.peers;
            peers.identity = address(callee.address.port());
            [peers.feedback, peers.loyalty, peers.notification] = [1, 2, 3].map(address);
            peers.tls = Some(PeerTlsConfig {
                ca: files.path().join("ca.crt"),
                certificate: Some(own.certificate.clone()),
                key: Some(own.key.clone()),
            });
        },
        |host| Misbehaving { relay: Some(host.peer(Peer::Identity)), ..Default::default() },
    );
    let relayed = async || {
        let mut request = Request::new(replay());
        request.set_timeout(Duration::from_secs(2));
        caller.client().replay_parked(request).await.unwrap_err().code()
    };
    assert_eq!(relayed().await, Code::PermissionDenied, "known, but nobody's caller");
    files.client("own", &[SHOP]);
    // Once it has let somebody in, the callee hangs.
    eventually(async || relayed().await == Code::DeadlineExceeded).await;
    assert!(!callee.service.budgets.lock().unwrap().is_empty());
}
