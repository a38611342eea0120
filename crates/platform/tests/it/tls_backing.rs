//! TLS to Postgres and Redis, ended by this test in front of the servers that `make test` starts:
//! runs where PERENNIAL_TEST_POSTGRES_URL and PERENNIAL_TEST_REDIS_URL name them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use perennial_platform::clock::Clock;
use perennial_platform::config::{DatabaseConfig, PlatformConfig};
use perennial_platform::db::Db;
use perennial_platform::host::Host;
use perennial_platform::process::Process;
use perennial_testkit::{Authority, CertificateFiles, environment};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::host_support::{eventually, spawn};
use crate::key_server::acceptor;

/// What comes before the handshake.
#[derive(Clone, Copy)]
enum Speaks {
    /// Postgres' SSLRequest, answered by "S" (PostgreSQL protocol, "SSL Session Encryption").
    Postgres,
    /// Nothing.
    Redis,
}

/// Ends TLS in front of a server.
async fn in_front_of(
    server: String,
    at: Ipv4Addr,
    files: &CertificateFiles,
    speaks: Speaks,
) -> SocketAddr {
    let listener = TcpListener::bind((at, 0)).await.unwrap();
    let (address, acceptor) = (listener.local_addr().unwrap(), acceptor(files));
    spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let (acceptor, server) = (acceptor.clone(), server.clone());
            spawn(async move {
                if matches!(speaks, Speaks::Postgres) {
                    let mut request = [0; 8];
                    near.read_exact(&mut request).await.unwrap();
                    assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "SSLRequest");
                    near.write_all(b"S").await.unwrap();
                }
                let Ok(mut near) = acceptor.accept(near).await else { return };
                let mut far = TcpStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

/// `scheme://user@host:port/database`, cut at the host and port.
fn parts(url: &str) -> (String, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    (format!("{scheme}://{user}"), host.to_owned(), path.to_owned())
}

async fn opens(url: String) -> bool {
    let config = DatabaseConfig { url, acquire_timeout_ms: 5_000, ..Default::default() };
    match Db::open("test", &config, Path::new("/nowhere")).await {
        Ok(db) => {
            let answered = db.ping().await.is_ok();
            db.close().await;
            answered
        }
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_asked_over_tls_and_checked_by_its_root() {
    let Some(url) = environment("PERENNIAL_TEST_POSTGRES_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let (root_file, other_file) =
        (root.write(folder.path(), "root"), other.write(folder.path(), "other"));
    let server = root.issue(folder.path(), "postgres", &[]);
    let (start, direct, database) = parts(&url);
    let localhost = Ipv4Addr::LOCALHOST;
    let port = in_front_of(direct.clone(), localhost, &server, Speaks::Postgres).await.port();
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let elsewhere = in_front_of(direct, elsewhere, &server, Speaks::Postgres).await;
    let over = |place: String, root: &Path| {
        let root = root.display();
        format!("{start}{place}/{database}?sslmode=verify-full&sslrootcert={root}")
    };
    let named = format!("localhost:{port}");
    assert!(opens(over(named.clone(), &root_file)).await);
    assert!(opens(format!("{start}localhost:{port}/{database}?sslmode=require")).await);
    assert!(!opens(over(named, &other_file)).await, "another root");
    assert!(!opens(over(elsewhere.to_string(), &root_file)).await, "a name not in it");
    assert!(opens(format!("{start}{elsewhere}/{database}?sslmode=require")).await);
    let plain = format!("{url}?sslmode=require");
    assert!(!opens(plain).await, "a server without TLS is not talked to");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_asked_over_tls_and_checked_by_its_root() {
    let Some(url) = environment("PERENNIAL_TEST_REDIS_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let server = root.issue(folder.path(), "redis", &[]);
    let (_, direct, _) = parts(&url);
    let localhost = Ipv4Addr::LOCALHOST;
    let port = in_front_of(direct.clone(), localhost, &server, Speaks::Redis).await.port();
    let host = |url: String, ca: Option<&Authority>| {
        let mut config = PlatformConfig { data: folder.path().to_owned(), ..Default::default() };
        config.redis.url = Some(url.into());
        config.redis.ca = ca.map(|ca| ca.write(folder.path(), "ca"));
        let process = Process::new(&config, Clock::manual(DateTime::UNIX_EPOCH)).unwrap();
        Host::new(&process, "test", (Ipv4Addr::LOCALHOST, 0).into()).unwrap()
    };
    let secure = format!("rediss://localhost:{port}/0");
    let plain = host(format!("redis://{direct}/0"), None).cache();
    let (good, doubting) =
        (host(secure.clone(), Some(&root)).cache(), host(secure, Some(&other)).cache());
    let (key, minute) = (format!("tls:{}", uuid::Uuid::new_v4()), Duration::from_mins(1));
    plain.put(&key, &7, minute).await;
    eventually(async || good.get::<u32>(&key).await == Some(7)).await;
    assert_eq!(doubting.get::<u32>(&key).await, None);
}
