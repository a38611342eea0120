//! A token issuer's address for its keys: one small answer by HTTP/1.1, with or without TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use perennial_testkit::CertificateFiles;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::host_support::spawn;

/// Answers until the test ends.
#[derive(Clone, Default)]
pub struct KeyServer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What it answers; `None`: it breaks off.
    keys: Option<String>,
    /// The heads of all requests.
    asked: Vec<String>,
}

impl KeyServer {
    /// Starts one; the address is that of the keys.
    pub async fn start(keys: &str) -> (Self, String) {
        let (server, address) = Self::listen(keys, None).await;
        (server, format!("http://{address}/keys"))
    }

    /// The same by TLS.
    pub async fn start_tls(keys: &str, files: &CertificateFiles) -> (Self, String) {
        let (server, address) = Self::listen(keys, Some(acceptor(files))).await;
        (server, format!("https://localhost:{}/keys", address.port()))
    }

    async fn listen(keys: &str, tls: Option<TlsAcceptor>) -> (Self, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self::default();
        server.answer(Some(keys));
        let serving = server.clone();
        spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &tls {
                    None => serving.serve(stream).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serving.serve(stream).await;
                        }
                    }
                }
            }
        });
        (server, address)
    }

    /// From now on it answers this, or breaks off.
    pub fn answer(&self, keys: Option<&str>) {
        self.0.lock().unwrap().keys = keys.map(str::to_owned);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    /// The head of the last request.
    pub fn last_request(&self) -> String {
        self.0.lock().unwrap().asked.last().cloned().unwrap_or_default()
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let keys = {
            let mut state = self.0.lock().unwrap();
            state.asked.push(String::from_utf8_lossy(&head).into_owned());
            state.keys.clone()
        };
        let Some(keys) = keys else { return };
        let length = keys.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(format!("{head}{keys}").as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

/// Accepts TLS with this certificate.
pub fn acceptor(files: &CertificateFiles) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_file(&files.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
