//! The public keys of the token issuer (JWKS, RFC 7517): fetched now and then, and at once when a
//! token names a key that is not there. The last good set stays while none can be had.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use tokio::sync::Mutex;

use super::config_error;
use super::meters::meters;
use crate::config::JwtConfig;
use crate::error::{Error, Result};
use crate::files;

/// Longest time for an answer: calls wait for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Strangers can name as many keys as they like; this often they make us ask, at most.
const PAUSE: Duration = Duration::from_secs(10);
/// Largest set, in bytes.
const LARGEST: usize = 256 * 1024;

/// One key and the only algorithm it is used with.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) decoding: DecodingKey,
    pub(super) algorithm: Algorithm,
}

type Set = HashMap<String, Arc<Key>>;

/// Why there is no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The issuer does not have it.
    Unknown,
    /// No set could be had yet, so nobody knows.
    NoKeys,
}

/// The keys, kept up to date. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    every: Duration,
    set: RwLock<Option<Set>>,
    /// When a token made us ask last. Held while asking, so that one asks for all.
    asked: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Address { url: Url, ca: Option<PathBuf>, token_file: Option<PathBuf> },
}

impl Keys {
    /// Nothing is fetched yet. Errors: INVALID_ARGUMENT / AUTH_CONFIG.
    pub(super) fn new(config: &JwtConfig) -> Result<Self> {
        let (ca, token_file) = (config.ca.clone(), config.token_file.clone());
        let source = if config.jwks.starts_with("http://") || config.jwks.starts_with("https://") {
            let url = Url::parse(&config.jwks)
                .map_err(|error| config_error(format!("auth.jwt.jwks: {error}")))?;
            if token_file.is_some() && url.scheme() != "https" {
                return Err(config_error("auth.jwt.token_file needs an https address"));
            }
            Source::Address { url, ca, token_file }
        } else {
            Source::File(PathBuf::from(&config.jwks))
        };
        let every = Duration::from_secs(config.refresh_seconds.max(1));
        let (set, asked) = (RwLock::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { source, every, set, asked })))
    }

    /// Keeps the set up to date, for ever.
    pub(super) async fn follow(self) {
        loop {
            let good = {
                let _alone = self.0.asked.lock().await;
                self.refresh().await
            };
            tokio::time::sleep(if good { self.0.every } else { self.0.every.min(PAUSE) }).await;
        }
    }

    /// The key with this id; asks the issuer when it is not there.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<Key>, Missing> {
        if let Ok(key) = self.look_up(id) {
            return Ok(key);
        }
        let mut asked = self.0.asked.lock().await;
        // Whoever held the lock may have brought it.
        let found = self.look_up(id);
        if found.is_ok() || asked.is_some_and(|at| at.elapsed() < PAUSE) {
            return found;
        }
        *asked = Some(Instant::now());
        self.refresh().await;
        self.look_up(id)
    }

    fn look_up(&self, id: &str) -> Result<Arc<Key>, Missing> {
        let set = self.0.set.read().unwrap_or_else(PoisonError::into_inner);
        let set = set.as_ref().ok_or(Missing::NoKeys)?;
        set.get(id).cloned().ok_or(Missing::Unknown)
    }

    async fn refresh(&self) -> bool {
        let fetched = self.0.source.fetch().await.and_then(|json| parse(&json));
        meters().refreshed(fetched.is_ok());
        match fetched {
            Ok(set) => {
                *self.0.set.write().unwrap_or_else(PoisonError::into_inner) = Some(set);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "no new keys of the token issuer; the last good ones stay");
                false
            }
        }
    }
}

impl Source {
    async fn fetch(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(file) => files::read(file),
            Self::Address { url, ca, token_file } => {
                let client = client(ca.as_ref())?;
                let mut request = client.get(url.clone());
                if let Some(file) = token_file {
                    let token = files::read(file)?;
                    request = request.bearer_auth(String::from_utf8_lossy(&token).trim());
                }
                receive(request).await.map_err(|error| {
                    Error::unavailable("KEYS_UNAVAILABLE", "cannot fetch keys").caused_by(error)
                })
            }
        }
    }
}

/// A new client each time: the roots may have been replaced, and minutes lie in between.
fn client(ca: Option<&PathBuf>) -> Result<Client> {
    // Without a process-wide provider a client cannot be built; a second install is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).no_proxy();
    if let Some(ca) = ca {
        let roots = Certificate::from_pem_bundle(&files::read(ca)?).map_err(Error::internal)?;
        client = client.tls_certs_only(roots);
    }
    client.build().map_err(Error::internal)
}

async fn receive(
    request: reqwest::RequestBuilder,
) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut response = request.send().await?.error_for_status()?;
    let mut json = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        json.extend_from_slice(&chunk);
        if json.len() > LARGEST {
            return Err(format!("more than {LARGEST} bytes").into());
        }
    }
    Ok(json)
}

/// The keys that can be used; a set without any is of no use.
fn parse(json: &[u8]) -> Result<Set> {
    let set: JwkSet = serde_json::from_slice(json)
        .map_err(|error| Error::unavailable("KEYS_UNREADABLE", format!("not a JWKS: {error}")))?;
    let keys: Set = set.keys.iter().filter_map(usable).collect();
    if keys.is_empty() {
        return Err(Error::unavailable("KEYS_UNREADABLE", "no RS256 or ES256 key with a kid"));
    }
    Ok(keys)
}

fn usable(jwk: &Jwk) -> Option<(String, Arc<Key>)> {
    let id = jwk.common.key_id.clone()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(curve), None | Some(KeyAlgorithm::ES256))
            if curve.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        _ => return None,
    };
    Some((id, Arc::new(Key { decoding: DecodingKey::from_jwk(jwk).ok()?, algorithm })))
}
