//! The side towards peers: a way to connect for tonic's channels.

use std::sync::Arc;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ALPN, pem};
use crate::config::PeerTlsConfig;
use crate::error::Result;
use crate::files::Reloaded;

/// Connects with the newest good certificates. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct PeerTls(Arc<Reloaded<ClientConfig>>);

impl PeerTls {
    /// Errors: INVALID_ARGUMENT / TLS_CONFIG or FILE_UNREADABLE.
    pub(crate) fn open(config: &PeerTlsConfig) -> Result<Self> {
        let mut files = vec![config.ca.clone()];
        match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => files.extend([certificate.clone(), key.clone()]),
            (None, None) => {}
            _ => return Err(pem::refused("peers.tls needs certificate and key, or neither")),
        }
        let reloaded = Reloaded::open(files, build)?;
        Ok(Self(Arc::new(reloaded)))
    }

    /// Opens a connection to the host and port of `uri`.
    pub(crate) async fn connect(self, uri: Uri) -> std::io::Result<TokioIo<TlsStream<TcpStream>>> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(std::io::Error::other)?;
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.0.current());
        connector.connect(name, stream).await.map(TokioIo::new)
    }
}

fn build(contents: &[Vec<u8>]) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| pem::refused(error.to_string()))?
        .with_root_certificates(pem::roots(&contents[0])?);
    let mut config = match contents {
        [_, certificate, key] => builder
            .with_client_auth_cert(pem::chain(certificate)?, pem::key(key)?)
            .map_err(|error| pem::refused(error.to_string()))?,
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
