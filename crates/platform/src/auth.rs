//! Who calls, and whether they may: bearer tokens, scopes, deny by default.
//!
//! The contract states the scope of every method; the settings state the scopes of every caller.
//! A method that the contract does not know is denied before any router sees it. Health checks
//! are the one exception: probes of the platform carry no credentials.

mod scope;
pub mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, header};

use crate::config::{AuthConfig, TokenConfig};
use crate::error::{Code, Error, Result};
use crate::limits::Rate;
use scope::Scope;
use token::Digest;

/// Scope for listing the contracts by reflection, which has no contract of ours to state it.
const REFLECTION_SCOPE: &str = "admin.reflection.read";

/// A back end that calls us, as handlers see it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Known>);

#[derive(Debug)]
struct Known {
    name: String,
    scopes: Vec<Scope>,
    rate: Option<Rate>,
}

impl Caller {
    /// The caller of a request that came through the host.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self::named("unknown", Vec::new()))
    }

    /// Name from the settings, for audit entries.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the caller holds a scope such as `loyalty.points.write`.
    pub fn may(&self, scope: &str) -> bool {
        self.0.scopes.iter().any(|held| held.covers(scope))
    }

    /// How often the caller may call, if that is limited.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.0.rate
    }

    fn named(name: &str, scopes: Vec<Scope>) -> Self {
        Self(Arc::new(Known { name: name.to_owned(), scopes, rate: None }))
    }

    fn configured(config: &TokenConfig) -> Result<Self> {
        let scopes = config.scopes.iter().map(|text| text.parse()).collect::<Result<_>>()?;
        let rate = (config.calls_per_second > 0).then(|| Rate::per_second(config.calls_per_second));
        Ok(Self(Arc::new(Known { name: config.name.clone(), scopes, rate })))
    }
}

/// Decides who may call what. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Auth(Arc<[(Digest, Caller)]>);

impl Auth {
    /// Reads the callers from the settings. Errors: INVALID_ARGUMENT / AUTH_CONFIG.
    pub fn new(config: &AuthConfig) -> Result<Self> {
        let callers = config.tokens.iter().map(|token| {
            let digest =
                token.sha256.parse().map_err(|error: Error| error.with("token", &token.name))?;
            Ok((digest, Caller::configured(token)?))
        });
        Ok(Self(callers.collect::<Result<_>>()?))
    }

    /// Nobody is configured, so everybody is let in.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses to let everybody in from elsewhere: an open suite listens on loopback only.
    /// Errors: FAILED_PRECONDITION / AUTH_REQUIRED.
    pub fn check_address(&self, address: SocketAddr) -> Result<()> {
        if self.is_open() && !address.ip().is_loopback() {
            let message = "refusing to listen beyond loopback without auth.tokens";
            return Err(Error::precondition("AUTH_REQUIRED", message).with("address", address));
        }
        Ok(())
    }

    /// The caller, if they may call the method at `path`.
    ///
    /// Errors: UNAUTHENTICATED / CREDENTIALS_REQUIRED or CREDENTIALS_UNKNOWN;
    /// PERMISSION_DENIED / SCOPE_REQUIRED; UNIMPLEMENTED / METHOD_UNKNOWN, told to known callers
    /// only.
    pub fn admit(&self, path: &str, headers: &HeaderMap) -> Result<Caller> {
        let caller = self.identify(headers)?;
        let Some(scope) = required_scope(path) else {
            return Err(Error::new(Code::Unimplemented, "METHOD_UNKNOWN", "no such method"));
        };
        if !caller.may(scope) {
            let message = format!("the caller does not hold the scope {scope}");
            return Err(
                Error::new(Code::PermissionDenied, "SCOPE_REQUIRED", message).with("scope", scope)
            );
        }
        Ok(caller)
    }

    fn identify(&self, headers: &HeaderMap) -> Result<Caller> {
        if self.is_open() {
            return Ok(Caller::named("anonymous", vec![Scope::EVERYTHING]));
        }
        let Some(secret) = bearer(headers) else {
            let message = "a bearer token is needed in the metadata \"authorization\"";
            return Err(Error::new(Code::Unauthenticated, "CREDENTIALS_REQUIRED", message));
        };
        let digest = Digest::of(secret);
        // All are compared, so that the time taken tells nothing about which one came close.
        let known =
            self.0.iter().fold(
                None,
                |found, (expected, caller)| {
                    if expected.is(&digest) { Some(caller) } else { found }
                },
            );
        known.cloned().ok_or_else(|| {
            Error::new(Code::Unauthenticated, "CREDENTIALS_UNKNOWN", "the bearer token is unknown")
        })
    }
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

    const TIME: &str = "/perennial.admin.v1.ClockService/GetTime";
    const ADVANCE: &str = "/perennial.admin.v1.ClockService/Advance";

    fn auth(scopes: &[&str]) -> (Auth, HeaderMap) {
        let (secret, sha256) = token::generate().unwrap();
        let token = TokenConfig {
            name: "crm".to_owned(),
            sha256,
            scopes: scopes.iter().map(|&s| s.to_owned()).collect(),
            calls_per_second: 0,
        };
        let config = AuthConfig { tokens: vec![token], peer_token: None };
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
        (Auth::new(&config).unwrap(), headers)
    }

    fn refusal(auth: &Auth, path: &str, headers: &HeaderMap) -> String {
        auth.admit(path, headers).unwrap_err().reason().to_owned()
    }

    #[test]
    fn a_caller_may_what_its_scopes_cover() {
        let (auth, headers) = auth(&["admin.clock.read"]);
        assert_eq!(auth.admit(TIME, &headers).unwrap().name(), "crm");
        assert_eq!(refusal(&auth, ADVANCE, &headers), "SCOPE_REQUIRED");
        assert_eq!(
            refusal(&auth, "/grpc.reflection.v1.ServerReflection/X", &headers),
            "SCOPE_REQUIRED"
        );
    }

    #[test]
    fn strangers_learn_nothing_about_paths() {
        let (auth, headers) = auth(&["*"]);
        let (nobody, mut wrong) = (HeaderMap::new(), HeaderMap::new());
        wrong.insert(header::AUTHORIZATION, "Bearer guess".parse().unwrap());
        for path in [TIME, "/no.Such/Method"] {
            assert_eq!(refusal(&auth, path, &nobody), "CREDENTIALS_REQUIRED");
            assert_eq!(refusal(&auth, path, &wrong), "CREDENTIALS_UNKNOWN");
        }
        assert_eq!(refusal(&auth, "/no.Such/Method", &headers), "METHOD_UNKNOWN");
    }

    #[test]
    fn an_open_suite_stays_on_loopback() {
        let open = Auth::new(&AuthConfig::default()).unwrap();
        assert!(open.admit(ADVANCE, &HeaderMap::new()).is_ok());
        assert!(open.check_address(([127, 0, 0, 1], 50051).into()).is_ok());
        let refused = open.check_address(([0, 0, 0, 0], 50051).into()).unwrap_err();
        assert_eq!(refused.reason(), "AUTH_REQUIRED");
        let (closed, _) = auth(&["*"]);
        assert!(closed.check_address(([0, 0, 0, 0], 50051).into()).is_ok());
    }
}
