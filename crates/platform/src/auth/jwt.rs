//! Signed tokens (JWT, RFC 7519), checked as RFC 8725 advises: the algorithm is the key's and one
//! of two, issuer, audience and time are required, and nothing is told about what was wrong.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::{Keys, Missing};
use super::{config_error, verify};
use crate::config::JwtConfig;
use crate::error::Result;

/// Longest token that is looked at, in bytes; those of Kubernetes have about 1,000.
const LONGEST: usize = 8 * 1024;
/// Longest leeway, in seconds.
const MOST_LEEWAY: u64 = 600;
/// Stands for the service that is called.
pub(crate) const SERVICE: &str = "{service}";

/// Why a token is refused, for logs and figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not good; in a word, why.
    Bad(&'static str),
    /// It cannot be checked without keys.
    NoKeys,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// The issuer whose tokens are accepted.
#[derive(Debug)]
pub(super) struct Jwt {
    audience: String,
    validation: Validation,
    pub(super) keys: Keys,
}

impl Jwt {
    /// Errors: INVALID_ARGUMENT / AUTH_CONFIG.
    pub(super) fn new(config: &JwtConfig) -> Result<Self> {
        if config.issuer.is_empty() || config.audience.is_empty() {
            return Err(config_error("auth.jwt needs issuer and audience"));
        }
        if config.leeway_seconds > MOST_LEEWAY {
            let message = format!("auth.jwt.leeway_seconds must be {MOST_LEEWAY} at most");
            return Err(config_error(message));
        }
        verify::install();
        let mut validation = Validation {
            leeway: config.leeway_seconds,
            validate_nbf: true,
            ..Validation::default()
        };
        validation.set_issuer(&[&config.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Self { audience: config.audience.clone(), validation, keys: Keys::new(config)? })
    }

    /// Three parts with dots between them; tokens of our own have none.
    pub(super) fn looks_like_one(token: &str) -> bool {
        token.bytes().filter(|&b| b == b'.').count() == 2
    }

    /// Who holds the token, if it is good at the service that is called.
    pub(super) async fn subject(&self, service: &str, token: &str) -> Result<String, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::Bad("malformed"));
        }
        // Also fails for "none" and every algorithm it has not heard of.
        let header = decode_header(token).map_err(|_| Refused::Bad("malformed"))?;
        let Some(id) = header.kid.filter(|_| header.crit.is_none()) else {
            return Err(Refused::Bad("malformed"));
        };
        let key = self.keys.find(&id).await.map_err(|missing| match missing {
            Missing::Unknown => Refused::Bad("unknown_key"),
            Missing::NoKeys => Refused::NoKeys,
        })?;
        let mut validation = self.validation.clone();
        validation.algorithms = vec![key.algorithm];
        validation.set_audience(&[self.audience.replace(SERVICE, service)]);
        let claims = decode::<Claims>(token, &key.decoding, &validation);
        claims.map(|token| token.claims.sub).map_err(|error| Refused::Bad(cause(error.kind())))
    }
}

fn cause(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidAlgorithm => "algorithm",
        ErrorKind::InvalidSignature => "signature",
        ErrorKind::ExpiredSignature => "expired",
        ErrorKind::ImmatureSignature => "not_yet_valid",
        ErrorKind::InvalidIssuer => "issuer",
        ErrorKind::InvalidAudience => "audience",
        _ => "malformed",
    }
}
