//! How a channel is set up.

use crate::address;
use crate::attempts::PATIENCE;
use crate::channel::{Channel, Shared};
use crate::credentials::{Tls, Token};
use crate::pool::Pool;
use crate::resolve::{Dns, Resolve};
use crate::retry::Budget;
use crate::serving::Serving;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// More attempts than this are taken for this many (gRFC A6).
const MOST_ATTEMPTS: u32 = 5;

/// Why a channel cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a list of addresses.
    #[error("{0:?} is no address; expected http://host:port, several with commas between")]
    Address(String),
    /// An `https` address, and nobody to believe.
    #[error("an https address needs Tls with the certificate of an authority")]
    TlsMissing,
    /// TLS was asked for, and an address without it would go out in the clear.
    #[error("Tls is set, but {0} is not an https address")]
    TlsUnused(String),
    /// The token cannot stand in a header.
    #[error("the token holds characters that no header can carry")]
    Token,
}

/// Settings of a [`Channel`]; made by [`Channel::to`].
#[must_use]
pub struct Builder {
    addresses: String,
    token: Option<Token>,
    tls: Option<Tls>,
    deadline: Duration,
    patience: Duration,
    attempts: u32,
    refresh: Duration,
    resolver: Arc<dyn Resolve>,
}

impl Builder {
    pub(crate) fn new(addresses: String) -> Self {
        Self {
            addresses,
            token: None,
            tls: None,
            deadline: Duration::from_secs(5),
            patience: PATIENCE,
            attempts: 4,
            refresh: Duration::from_secs(30),
            resolver: Arc::new(Dns),
        }
    }

    /// Presents this token with every call. Default: none.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Whom to believe, and who we are, on `https` addresses.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Time of a unary call, all attempts together, unless the request has its own
    /// (`tonic::Request::set_timeout`). Default: 5 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Time that a call waits while no endpoint serves, within its deadline. Default: 2 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Attempts of a call, the first included; 1 turns retries off, more than 5 counts as 5.
    /// Default: 4.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.clamp(1, MOST_ATTEMPTS);
        self
    }

    /// Time between look-ups of the hosts. Default: 30 s; a lost endpoint causes one at once.
    pub fn refresh(mut self, refresh: Duration) -> Self {
        self.refresh = refresh;
        self
    }

    /// Finds endpoints in another way than by the system's DNS.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Begins to look up and to connect, in the background; needs a tokio runtime around it. Errors:
    /// settings that cannot work; an endpoint that cannot be reached is none.
    pub fn build(self) -> Result<Channel, ConfigError> {
        let addresses = address::parse(&self.addresses)?;
        if self.tls.is_none() && addresses.iter().any(|address| address.tls) {
            return Err(ConfigError::TlsMissing);
        }
        if self.tls.is_some()
            && let Some(plain) = addresses.iter().find(|address| !address.tls)
        {
            return Err(ConfigError::TlsUnused(plain.origin.to_string()));
        }
        if self.token.as_ref().is_some_and(|token| !token.fits()) {
            return Err(ConfigError::Token);
        }
        let serving = Arc::new(Serving::new());
        let pool = Pool {
            addresses,
            tls: self.tls,
            resolver: self.resolver,
            refresh: self.refresh,
            serving: Arc::clone(&serving),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(pool.run());
        Ok(Channel::new(Shared {
            serving,
            token: self.token,
            deadline: self.deadline,
            patience: self.patience,
            attempts: self.attempts,
            budget: Budget::new(),
            _pool: tasks,
        }))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
