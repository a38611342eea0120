//! Who calls: a bearer token, a client certificate; and whom to believe.

use http::HeaderValue;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// A file is read again after this time; the kubelet renews a token long before it expires.
const REREAD: Duration = Duration::from_secs(30);

/// A bearer token.
#[derive(Clone)]
pub struct Token(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(String),
    File(Arc<TokenFile>),
}

struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<(Instant, HeaderValue)>>,
}

impl Token {
    /// A token that stays.
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Kind::Fixed(token.into()))
    }

    /// A token in a file that somebody renews, such as a projected service-account token of
    /// Kubernetes. Read when first needed and again every 30 seconds; while it cannot be read, the
    /// last one is used.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        Self(Kind::File(Arc::new(TokenFile { path, last: Mutex::new(None) })))
    }

    /// The value of `authorization`. Errors: the file cannot be read, or holds what no header can.
    pub(crate) async fn header(&self) -> io::Result<HeaderValue> {
        match &self.0 {
            Kind::Fixed(token) => bearer(token),
            Kind::File(file) => file.header().await,
        }
    }

    /// Whether a fixed token fits into a header.
    pub(crate) fn fits(&self) -> bool {
        match &self.0 {
            Kind::Fixed(token) => bearer(token).is_ok(),
            Kind::File(_) => true,
        }
    }
}

impl TokenFile {
    async fn header(&self) -> io::Result<HeaderValue> {
        let mut last = self.last.lock().await;
        if let Some((read, value)) = &*last
            && read.elapsed() < REREAD
        {
            return Ok(value.clone());
        }
        let fresh = tokio::fs::read_to_string(&self.path).await;
        match (fresh.and_then(|text| bearer(text.trim())), &*last) {
            (Ok(value), _) => {
                *last = Some((Instant::now(), value.clone()));
                Ok(value)
            }
            (Err(error), Some((_, value))) => {
                let value = value.clone();
                tracing::warn!(path = %self.path.display(), %error, "the token stays as it was");
                *last = Some((Instant::now(), value.clone()));
                Ok(value)
            }
            (Err(error), None) => Err(error),
        }
    }
}

fn bearer(token: &str) -> io::Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Fixed(_) => f.write_str("Token::fixed"),
            Kind::File(file) => write!(f, "Token::file({:?})", file.path),
        }
    }
}

/// Certificates in PEM files, read again for each new connection.
#[derive(Debug, Clone)]
pub struct Tls {
    ca: PathBuf,
    client: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Believes servers whose certificate this authority signed for the host of the address.
    pub fn new(ca: impl AsRef<Path>) -> Self {
        Self { ca: ca.as_ref().to_owned(), client: None }
    }

    /// Shows the server a certificate of our own (mTLS).
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.client = Some((certificate.as_ref().to_owned(), key.as_ref().to_owned()));
        self
    }

    pub(crate) async fn config(&self, host: &str) -> io::Result<ClientTlsConfig> {
        let ca = Certificate::from_pem(tokio::fs::read(&self.ca).await?);
        let mut config = ClientTlsConfig::new().ca_certificate(ca).domain_name(host);
        if let Some((certificate, key)) = &self.client {
            let certificate = tokio::fs::read(certificate).await?;
            config = config.identity(Identity::from_pem(certificate, tokio::fs::read(key).await?));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let token = Token::file(&path);
        assert_eq!(token.header().await.unwrap(), "Bearer first");
        std::fs::write(&path, "second\n").unwrap();
        assert_eq!(token.header().await.unwrap(), "Bearer first");
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(token.header().await.unwrap(), "Bearer second");
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(token.header().await.unwrap(), "Bearer second", "the last one stays");
    }
}
