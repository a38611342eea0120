//! The callers of the settings, found by what they show.

use std::collections::HashMap;
use std::sync::Arc;

use super::config_error;
use super::scope::Scope;
use super::token::Digest;
use crate::config::{AuthConfig, CallerConfig};
use crate::error::{Error, Result};
use crate::limits::Rate;
use crate::tls::SpiffeId;

/// A back end that calls us, as handlers see it. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Entry>);

#[derive(Debug)]
struct Entry {
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

    pub(super) fn named(name: &str, scopes: Vec<Scope>) -> Self {
        Self(Arc::new(Entry { name: name.to_owned(), scopes, rate: None }))
    }

    fn configured(name: &str, scopes: &[String], calls_per_second: u32) -> Result<Self> {
        let scopes = scopes.iter().map(|text| text.parse()).collect::<Result<_>>()?;
        let rate = (calls_per_second > 0).then(|| Rate::per_second(calls_per_second));
        Ok(Self(Arc::new(Entry { name: name.to_owned(), scopes, rate })))
    }
}

/// Everybody who may call something.
#[derive(Debug)]
pub(super) struct Known {
    secrets: Vec<(Digest, Caller)>,
    subjects: HashMap<String, Caller>,
    certificates: HashMap<SpiffeId, Caller>,
}

impl Known {
    /// Errors: INVALID_ARGUMENT / AUTH_CONFIG.
    pub(super) fn new(config: &AuthConfig) -> Result<Self> {
        let secrets = config.tokens.iter().map(|token| {
            let digest =
                token.sha256.parse().map_err(|error: Error| error.with("token", &token.name))?;
            let caller = Caller::configured(&token.name, &token.scopes, token.calls_per_second)?;
            Ok((digest, caller))
        });
        let secrets = secrets.collect::<Result<_>>()?;
        let mut known = Self { secrets, subjects: HashMap::new(), certificates: HashMap::new() };
        for (name, caller) in &config.callers {
            known.add(name, caller, config).map_err(|error| error.with("caller", name))?;
        }
        Ok(known)
    }

    fn add(&mut self, name: &str, caller: &CallerConfig, config: &AuthConfig) -> Result<()> {
        let known = Caller::configured(name, &caller.scopes, caller.calls_per_second)?;
        if caller.subject.is_none() && caller.spiffe.is_none() {
            return Err(config_error("a caller needs subject, spiffe or both"));
        }
        if let Some(subject) = &caller.subject {
            if config.jwt.is_none() {
                return Err(config_error("a caller has a subject, but there is no auth.jwt"));
            }
            if self.subjects.insert(subject.clone(), known.clone()).is_some() {
                return Err(config_error(format!("two callers with the subject {subject:?}")));
            }
        }
        if let Some(text) = &caller.spiffe {
            let id: SpiffeId = text.parse()?;
            if config.trust_domain.as_deref() != Some(id.trust_domain()) {
                return Err(config_error(format!("{text:?} is not in auth.trust_domain")));
            }
            if self.certificates.insert(id, known).is_some() {
                return Err(config_error(format!("two callers with the certificate {text:?}")));
            }
        }
        Ok(())
    }

    /// Who holds this secret of ours.
    pub(super) fn by_secret(&self, secret: &str) -> Option<&Caller> {
        let digest = Digest::of(secret);
        // All are compared, so that the time taken tells nothing about which one came close.
        self.secrets.iter().fold(
            None,
            |found, (expected, caller)| {
                if expected.is(&digest) { Some(caller) } else { found }
            },
        )
    }

    pub(super) fn by_subject(&self, subject: &str) -> Option<&Caller> {
        self.subjects.get(subject)
    }

    pub(super) fn by_certificate(&self, id: &SpiffeId) -> Option<&Caller> {
        self.certificates.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(caller: CallerConfig) -> bool {
        let trust_domain = Some("cluster.local".to_owned());
        let callers = [("shop".to_owned(), caller)].into();
        let config = AuthConfig { trust_domain, callers, ..Default::default() };
        Known::new(&config).is_err()
    }

    #[test]
    fn callers_whom_nobody_can_vouch_for_are_refused() {
        let caller = |subject: Option<&str>, spiffe: Option<&str>| CallerConfig {
            subject: subject.map(str::to_owned),
            spiffe: spiffe.map(str::to_owned),
            scopes: vec!["*".to_owned()],
            calls_per_second: 0,
        };
        assert!(!refused(caller(None, Some("spiffe://cluster.local/ns/shop"))));
        assert!(refused(caller(None, Some("spiffe://elsewhere/ns/shop"))));
        assert!(refused(caller(None, Some("shop"))));
        assert!(refused(caller(None, None)));
        assert!(refused(caller(Some("system:serviceaccount:shop:backend"), None)), "no auth.jwt");
    }
}
