//! The server's side.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::spiffe::SpiffeId;
use super::{ALPN, pem};
use crate::config::TlsConfig;
use crate::error::Result;
use crate::files::Reloaded;

/// Accepts connections with the newest good certificates. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct ServerTls(Arc<Reloaded<ServerConfig>>);

impl ServerTls {
    /// Errors: INVALID_ARGUMENT / TLS_CONFIG or FILE_UNREADABLE: what is there at the start has
    /// to be good.
    pub(crate) fn open(config: &TlsConfig) -> Result<Self> {
        let mut files = vec![config.certificate.clone(), config.key.clone()];
        files.extend(config.client_ca.clone());
        let reloaded = Reloaded::open(files, build)?;
        Ok(Self(Arc::new(reloaded)))
    }

    /// The handshake: what comes out speaks HTTP/2, with the name in the caller's certificate,
    /// if it has one. Has no time limit of its own.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Option<SpiffeId>)> {
        let acceptor = TlsAcceptor::from(self.0.current());
        let stream = acceptor.accept(stream).await?;
        let (_, session) = stream.get_ref();
        let id = session.peer_certificates().and_then(|chain| chain.first()).and_then(SpiffeId::of);
        Ok((stream, id))
    }
}

fn build(contents: &[Vec<u8>]) -> Result<ServerConfig> {
    let (chain, key) = (pem::chain(&contents[0])?, pem::key(&contents[1])?);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| pem::refused(error.to_string()))?;
    let builder = match contents.get(2) {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let roots = Arc::new(pem::roots(ca)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| pem::refused(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    // Also sees whether the key is that of the certificate.
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| pem::refused(error.to_string()))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
