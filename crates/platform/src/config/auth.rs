//! Who may call, and as whom this process calls others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Who may call, and as whom this process calls others. Without tokens, `jwt` and `trust_domain`
/// everybody is let in, which is possible on loopback only.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Trust domain of the client certificates that `server.tls.client_ca` signs, for example
    /// `cluster.local`: a caller without a token is then who its certificate says,
    /// `spiffe://<trust domain>/..` (its one URI name). Without it certificates name nobody.
    pub trust_domain: Option<String>,
    /// Bearer token that this process presents to the other services of the suite.
    #[serde(skip_serializing)]
    pub peer_token: Option<SecretString>,
    /// File with such a token instead, for example of a Kubernetes service account; read again
    /// when it changes. `{service}` in the path stands for the service that is called, because
    /// each has an audience of its own.
    pub peer_token_file: Option<String>,
    /// Signed tokens (JWT) are accepted, too.
    pub jwt: Option<JwtConfig>,
    /// Callers that hold a secret of ours.
    pub tokens: Vec<TokenConfig>,
    /// Callers that others vouch for, by a signed token or by a certificate, under the names by
    /// which they appear in logs and audit entries.
    pub callers: BTreeMap<String, CallerConfig>,
}

impl AuthConfig {
    /// Nobody is configured.
    pub fn is_open(&self) -> bool {
        self.tokens.is_empty() && self.jwt.is_none() && self.trust_domain.is_none()
    }
}

/// One caller: a back end that holds the secret whose hash stands here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Who it is, as it appears in logs and audit entries.
    pub name: String,
    /// SHA-256 of the secret, 64 hexadecimal digits (`perennial token new` prints both).
    pub sha256: String,
    /// What the caller may do: scopes of the contract, `loyalty.*` for all below, `*` for all.
    pub scopes: Vec<String>,
    /// Calls a second that the caller may make over all replicas, with bursts of twice as many;
    /// 0 means no limit.
    #[serde(default)]
    pub calls_per_second: u32,
}

/// One caller: a back end that is known by its subject, its certificate, or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallerConfig {
    /// `sub` of its signed tokens, for example `system:serviceaccount:shop:backend`.
    pub subject: Option<String>,
    /// The URI name of its certificates, for example `spiffe://cluster.local/ns/shop/sa/backend`.
    pub spiffe: Option<String>,
    /// What the caller may do, as in [`TokenConfig::scopes`].
    pub scopes: Vec<String>,
    /// As in [`TokenConfig::calls_per_second`].
    pub calls_per_second: u32,
}

/// Whose signed tokens are accepted: RS256 or ES256, with `kid`, `iss`, `aud`, `exp` and `sub`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// The only `iss` accepted.
    pub issuer: String,
    /// `aud` has to hold this. `{service}` stands for the service that is called; a token that
    /// is good at one service is then good at no other.
    pub audience: String,
    /// The issuer's public keys (JWKS): a file, or an http or https address such as
    /// `https://kubernetes.default.svc/openid/v1/jwks`.
    pub jwks: String,
    /// Certificates (PEM) by which the https address is believed; without it those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// File with the bearer token to ask the address with; read at each asking.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Seconds by which the issuer's clock may differ from ours.
    #[serde(default = "leeway")]
    pub leeway_seconds: u64,
    /// Seconds between two looks at the keys. A token with an unknown `kid` makes us look at
    /// once, every ten seconds at most.
    #[serde(default = "refresh")]
    pub refresh_seconds: u64,
}

fn leeway() -> u64 {
    60
}

fn refresh() -> u64 {
    300
}
