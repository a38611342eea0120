//! Who calls, and whether they may: bearer tokens and certificates, scopes, deny by default.
//!
//! The contract states the scope of every method; the settings state the scopes of every caller.
//! A caller holds a secret of ours, or a token that an issuer signed, or a certificate; a token
//! says more than the connection it comes over, so it wins. A method that the contract does not
//! know is denied before any router sees it. Health checks are the one exception: probes of the
//! platform carry no credentials.

mod jwt;
mod keys;
mod known;
mod meters;
mod scope;
pub mod token;
mod verify;

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, header};

use crate::config::AuthConfig;
use crate::error::{Code, Error, Result};
use crate::tls::SpiffeId;
pub(crate) use jwt::SERVICE;
use jwt::{Jwt, Refused};
pub use known::Caller;
use known::Known;
pub(crate) use meters::meters;
use scope::Scope;

/// Scope for listing the contracts by reflection, which has no contract of ours to state it.
const REFLECTION_SCOPE: &str = "admin.reflection.read";

/// What a connection tells about who is at its other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing: TLS is not asked for.
    Plain,
    /// Nothing, although TLS is asked for: good for health checks only.
    Unprotected,
    /// It is encrypted, and this is who its certificate names.
    Tls(Option<SpiffeId>),
}

/// Decides who may call what. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: bool,
    known: Known,
    jwt: Option<Jwt>,
    trust_domain: Option<String>,
}

impl Auth {
    /// Reads the callers from the settings. Errors: INVALID_ARGUMENT / AUTH_CONFIG.
    pub fn new(config: &AuthConfig) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            open: config.is_open(),
            known: Known::new(config)?,
            jwt: config.jwt.as_ref().map(Jwt::new).transpose()?,
            trust_domain: config.trust_domain.clone(),
        })))
    }

    /// Work in the background, for ever: keeps the issuer's keys up to date. `None` when no
    /// issuer is configured.
    pub(crate) fn follow(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        self.0.jwt.as_ref().map(|jwt| jwt.keys.clone().follow())
    }

    /// Nobody is configured, so everybody is let in.
    pub fn is_open(&self) -> bool {
        self.0.open
    }

    /// Refuses to let everybody in from elsewhere: an open suite listens on loopback only.
    /// Errors: FAILED_PRECONDITION / AUTH_REQUIRED.
    pub fn check_address(&self, address: SocketAddr) -> Result<()> {
        if self.is_open() && !address.ip().is_loopback() {
            let message =
                "refusing to listen beyond loopback without auth.tokens, .jwt or .trust_domain";
            return Err(Error::precondition("AUTH_REQUIRED", message).with("address", address));
        }
        Ok(())
    }

    /// The caller, if they may call the method at `path` of `service`.
    ///
    /// Errors: UNAUTHENTICATED / CREDENTIALS_REQUIRED, CREDENTIALS_UNKNOWN, CERTIFICATE_UNKNOWN
    /// or TLS_REQUIRED; PERMISSION_DENIED / CALLER_UNKNOWN or SCOPE_REQUIRED; UNAVAILABLE /
    /// KEYS_UNAVAILABLE; UNIMPLEMENTED / METHOD_UNKNOWN, told to known callers only.
    pub(crate) async fn admit(
        &self,
        service: &str,
        path: &str,
        headers: &HeaderMap,
        link: &Link,
    ) -> Result<Caller> {
        let caller = self.identify(service, headers, link).await?;
        let Some(scope) = required_scope(path) else {
            return Err(Error::new(Code::Unimplemented, "METHOD_UNKNOWN", "no such method"));
        };
        if !caller.may(scope) {
            meters().refused("scope");
            let message = format!("the caller does not hold the scope {scope}");
            return Err(
                Error::new(Code::PermissionDenied, "SCOPE_REQUIRED", message).with("scope", scope)
            );
        }
        Ok(caller)
    }

    async fn identify(&self, service: &str, headers: &HeaderMap, link: &Link) -> Result<Caller> {
        if *link == Link::Unprotected {
            let message = "without TLS nothing but health checks is answered here";
            return Err(unauthenticated("unprotected", "TLS_REQUIRED", message));
        }
        if self.0.open {
            return Ok(Caller::named("anonymous", vec![Scope::EVERYTHING]));
        }
        match (bearer(headers), &self.0.trust_domain, link) {
            (Some(token), ..) => self.by_token(service, token).await,
            (None, Some(domain), Link::Tls(id)) => self.by_certificate(domain, id.as_ref()),
            _ => {
                let message = "a bearer token is needed in the metadata \"authorization\"";
                Err(unauthenticated("none", "CREDENTIALS_REQUIRED", message))
            }
        }
    }

    async fn by_token(&self, service: &str, token: &str) -> Result<Caller> {
        let unknown = |cause| {
            let message = "the bearer token is not known or not valid here";
            Err(unauthenticated(cause, "CREDENTIALS_UNKNOWN", message))
        };
        if let Some(caller) = self.0.known.by_secret(token) {
            return Ok(caller.clone());
        }
        let Some(jwt) = self.0.jwt.as_ref().filter(|_| Jwt::looks_like_one(token)) else {
            return unknown("unknown_token");
        };
        match jwt.subject(service, token).await {
            Ok(subject) => {
                self.0.known.by_subject(&subject).cloned().ok_or_else(|| nobody(&subject))
            }
            Err(Refused::Bad(cause)) => unknown(cause),
            Err(Refused::NoKeys) => {
                meters().refused("no_keys");
                let message = "the token cannot be checked: no keys of its issuer could be had";
                Err(Error::unavailable("KEYS_UNAVAILABLE", message))
            }
        }
    }

    fn by_certificate(&self, domain: &str, id: Option<&SpiffeId>) -> Result<Caller> {
        let Some(id) = id.filter(|id| id.trust_domain() == domain) else {
            let message = "neither a bearer token nor a certificate with a name known here";
            return Err(unauthenticated("certificate", "CERTIFICATE_UNKNOWN", message));
        };
        self.0.known.by_certificate(id).cloned().ok_or_else(|| nobody(&id.to_string()))
    }
}

/// Refuses; the cause is for us, the rest for the caller.
fn unauthenticated(cause: &'static str, reason: &'static str, message: &str) -> Error {
    meters().refused(cause);
    tracing::debug!(cause, "credentials refused");
    Error::new(Code::Unauthenticated, reason, message)
}

/// Somebody vouches for them, but they are no caller of ours.
fn nobody(who: &str) -> Error {
    meters().refused("nobody");
    let message = "auth.callers does not name this caller";
    Error::new(Code::PermissionDenied, "CALLER_UNKNOWN", message).with("caller", who)
}

/// INVALID_ARGUMENT / AUTH_CONFIG.
fn config_error(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument, "AUTH_CONFIG", message)
}

/// Whether a scope can be granted: `loyalty.points.write`, `loyalty.*` or `*`, and it covers at
/// least one method. Errors: INVALID_ARGUMENT / AUTH_CONFIG.
pub fn check_scope(text: &str) -> Result<()> {
    text.parse::<Scope>().map(|_| ())
}

/// Methods that anybody may call at any time: health checks.
pub(crate) fn is_health(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.Health/")
}

fn required_scope(path: &str) -> Option<&'static str> {
    if path.starts_with("/grpc.reflection.") {
        return Some(REFLECTION_SCOPE);
    }
    perennial_proto::method(path).map(|method| method.scope)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CallerConfig, TokenConfig};

    const TIME: &str = "/perennial.admin.v1.ClockService/GetTime";
    const ADVANCE: &str = "/perennial.admin.v1.ClockService/Advance";
    const SHOP: &str = "spiffe://cluster.local/ns/shop/sa/backend";

    fn auth(scopes: &[&str]) -> (Auth, HeaderMap) {
        let (secret, sha256) = token::generate().unwrap();
        let scopes: Vec<_> = scopes.iter().map(|&s| s.to_owned()).collect();
        let token = TokenConfig {
            name: "crm".to_owned(),
            sha256,
            scopes: scopes.clone(),
            calls_per_second: 0,
        };
        let caller = CallerConfig { spiffe: Some(SHOP.to_owned()), scopes, ..Default::default() };
        let config = AuthConfig {
            trust_domain: Some("cluster.local".to_owned()),
            tokens: vec![token],
            callers: [("shop".to_owned(), caller)].into(),
            ..Default::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
        (Auth::new(&config).unwrap(), headers)
    }

    async fn admit(auth: &Auth, path: &str, headers: &HeaderMap) -> Result<Caller> {
        auth.admit("test", path, headers, &Link::Plain).await
    }

    async fn refusal(auth: &Auth, path: &str, headers: &HeaderMap) -> String {
        admit(auth, path, headers).await.unwrap_err().reason().to_owned()
    }

    #[tokio::test]
    async fn a_caller_may_what_its_scopes_cover() {
        let (auth, headers) = auth(&["admin.clock.read"]);
        assert_eq!(admit(&auth, TIME, &headers).await.unwrap().name(), "crm");
        assert_eq!(refusal(&auth, ADVANCE, &headers).await, "SCOPE_REQUIRED");
        let reflection = "/grpc.reflection.v1.ServerReflection/X";
        assert_eq!(refusal(&auth, reflection, &headers).await, "SCOPE_REQUIRED");
    }

    #[tokio::test]
    async fn strangers_learn_nothing_about_paths() {
        let (auth, headers) = auth(&["*"]);
        let (nobody, mut wrong) = (HeaderMap::new(), HeaderMap::new());
        wrong.insert(header::AUTHORIZATION, "Bearer guess".parse().unwrap());
        for path in [TIME, "/no.Such/Method"] {
            assert_eq!(refusal(&auth, path, &nobody).await, "CREDENTIALS_REQUIRED");
            assert_eq!(refusal(&auth, path, &wrong).await, "CREDENTIALS_UNKNOWN");
        }
        assert_eq!(refusal(&auth, "/no.Such/Method", &headers).await, "METHOD_UNKNOWN");
    }

    #[tokio::test]
    async fn a_certificate_names_its_caller_and_a_token_says_more() {
        let (auth, headers) = auth(&["*"]);
        let link = |id: &str| Link::Tls(Some(id.parse().unwrap()));
        let ask = async |headers: &HeaderMap, link: Link| {
            auth.admit("test", TIME, headers, &link).await.map_err(|e| e.reason().to_owned())
        };
        let none = HeaderMap::new();
        assert_eq!(ask(&none, link(SHOP)).await.unwrap().name(), "shop");
        assert_eq!(ask(&headers, link(SHOP)).await.unwrap().name(), "crm");
        let wrong = async |link| ask(&none, link).await.unwrap_err();
        assert_eq!(wrong(link("spiffe://cluster.local/ns/shop/sa/x")).await, "CALLER_UNKNOWN");
        let elsewhere = link("spiffe://elsewhere/ns/shop/sa/backend");
        assert_eq!(wrong(elsewhere).await, "CERTIFICATE_UNKNOWN");
        assert_eq!(wrong(Link::Tls(None)).await, "CERTIFICATE_UNKNOWN");
        assert_eq!(wrong(Link::Plain).await, "CREDENTIALS_REQUIRED");
        assert_eq!(ask(&headers, Link::Unprotected).await.unwrap_err(), "TLS_REQUIRED");
    }

    #[tokio::test]
    async fn an_open_suite_stays_on_loopback() {
        let open = Auth::new(&AuthConfig::default()).unwrap();
        assert!(admit(&open, ADVANCE, &HeaderMap::new()).await.is_ok());
        assert!(open.check_address(([127, 0, 0, 1], 50051).into()).is_ok());
        let refused = open.check_address(([0, 0, 0, 0], 50051).into()).unwrap_err();
        assert_eq!(refused.reason(), "AUTH_REQUIRED");
        let (closed, _) = auth(&["*"]);
        assert!(closed.check_address(([0, 0, 0, 0], 50051).into()).is_ok());
    }
}
