//! What this process presents to its peers.

use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderValue;
use secrecy::ExposeSecret;

use crate::auth::SERVICE;
use crate::config::AuthConfig;
use crate::error::{Code, Error, Result};
use crate::files::Reloaded;

/// A bearer token, or none. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    None,
    Fixed(HeaderValue),
    File(Arc<Reloaded<HeaderValue>>),
}

impl Credentials {
    /// Those for calling `peer`. Errors: INVALID_ARGUMENT / PEERS_CONFIG, or FILE_UNREADABLE.
    pub(crate) fn new(config: &AuthConfig, peer: &str) -> Result<Self> {
        match (&config.peer_token, &config.peer_token_file) {
            (None, None) => Ok(Self::None),
            (Some(token), None) => Ok(Self::Fixed(header(token.expose_secret())?)),
            (None, Some(file)) => {
                let file = PathBuf::from(file.replace(SERVICE, peer));
                let read = |contents: &[Vec<u8>]| header(&String::from_utf8_lossy(&contents[0]));
                Ok(Self::File(Arc::new(Reloaded::open(vec![file], read)?)))
            }
            (Some(_), Some(_)) => {
                Err(refused("auth.peer_token and auth.peer_token_file: one of them"))
            }
        }
    }

    /// The value of the metadata `authorization`.
    pub(super) fn current(&self) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Fixed(value) => Some(value.clone()),
            Self::File(file) => Some((*file.current()).clone()),
        }
    }
}

fn header(token: &str) -> Result<HeaderValue> {
    let token = token.trim();
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .ok()
        .filter(|_| !token.is_empty())
        .ok_or_else(|| refused("the token for peers is empty or does not fit into a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// INVALID_ARGUMENT / PEERS_CONFIG.
pub(super) fn refused(what: &str) -> Error {
    Error::new(Code::InvalidArgument, "PEERS_CONFIG", what)
}
