//! The settings of the whole: of the process, and of each service.

use crate::cli::{self, Service};
use perennial_platform::auth;
use perennial_platform::config::{
    AuthConfig, PeersConfig, PlatformConfig, RedisConfig, ServerConfig, TelemetryConfig,
    TokenConfig, load,
};
use perennial_platform::{Error, Result};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What the services ask of each other.
const PEER_SCOPES: [&str; 2] = ["events.read", "identity.*"];
const EVERY_SERVICE: usize = 4;

/// Everything there is to set. `perennial serve --print-config` shows it with its values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder for SQLite files, mail and, without `master_key`, the key; `--data` when not set.
    pub data: PathBuf,
    /// See [`PlatformConfig::master_key`].
    #[serde(skip_serializing)]
    pub master_key: Option<SecretString>,
    /// Port of each service.
    pub ports: Ports,
    /// Listening and limits.
    pub server: ServerConfig,
    /// Who may call.
    pub auth: AuthConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// Logs, traces, metrics.
    pub telemetry: TelemetryConfig,
    /// Where the services are that this process does not run.
    pub peers: PeersConfig,
    /// Who customers are.
    pub identity: perennial_identity::Config,
    /// What they say.
    pub feedback: perennial_feedback::Config,
    /// What they earn.
    pub loyalty: perennial_loyalty::Config,
    /// What they are told.
    pub notification: perennial_notification::Config,
}

/// Port of each service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the fields are the services")]
pub struct Ports {
    pub identity: u16,
    pub feedback: u16,
    pub loyalty: u16,
    pub notification: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { identity: 50051, feedback: 50052, loyalty: 50053, notification: 50054 }
    }
}

impl Config {
    /// Defaults, then the file, then the environment; unknown keys are refused.
    pub fn load(settings: &cli::Settings) -> Result<Self> {
        let mut config: Self = load(settings.config.iter().map(PathBuf::as_path))?;
        if config.data.as_os_str().is_empty() {
            config.data.clone_from(&settings.data);
        }
        let outbox = &mut config.notification.email.folder;
        if *outbox == perennial_notification::Config::default().email.folder {
            *outbox = config.data.join("outbox");
        }
        Ok(config)
    }

    /// Where a service listens.
    pub fn listen(&self, service: Service) -> SocketAddr {
        let port = match service {
            Service::Identity | Service::All => self.ports.identity,
            Service::Feedback => self.ports.feedback,
            Service::Loyalty => self.ports.loyalty,
            Service::Notification => self.ports.notification,
        };
        SocketAddr::new(self.server.listen, port)
    }

    /// The settings of a process that runs these services: it calls them where they listen,
    /// whatever `peers` says, so that moving a port is one change. With `server.tls` that is
    /// `https://localhost`, which has to be in the certificate.
    ///
    /// With callers configured the services need credentials for each other as well: one process
    /// makes its own token, several must be given `auth.peer_token`, `auth.peer_token_file` or a
    /// certificate in `peers.tls`. Errors: FAILED_PRECONDITION /
    /// PEER_TOKEN_REQUIRED.
    pub fn platform(&self, services: &[Service]) -> Result<PlatformConfig> {
        let mut peers = self.peers.clone();
        for service in services {
            let listen = self.listen(*service);
            let here = match self.server.tls {
                Some(_) => format!("https://localhost:{}", listen.port()),
                None => format!("http://{}", reachable(listen)),
            };
            match service {
                Service::Identity => peers.identity = here,
                Service::Feedback => peers.feedback = here,
                Service::Loyalty => peers.loyalty = here,
                Service::Notification => peers.notification = here,
                Service::All => {}
            }
        }
        Ok(PlatformConfig {
            data: self.data.clone(),
            master_key: self.master_key.clone(),
            server: self.server.clone(),
            auth: self.auth_of(services)?,
            redis: self.redis.clone(),
            telemetry: self.telemetry.clone(),
            peers,
        })
    }

    fn auth_of(&self, services: &[Service]) -> Result<AuthConfig> {
        let mut auth = self.auth.clone();
        let given = auth.peer_token.is_some() || auth.peer_token_file.is_some();
        let certified = auth.trust_domain.is_some()
            && self.peers.tls.as_ref().is_some_and(|tls| tls.certificate.is_some());
        if auth.is_open() || given || certified {
            return Ok(auth);
        }
        if services.len() < EVERY_SERVICE {
            return Err(Error::precondition(
                "PEER_TOKEN_REQUIRED",
                "callers are configured, so the services need a token for each other: make it with \
                 `perennial token new --name suite --scopes events.read,identity.*`, add its lines \
                 to auth.tokens everywhere and set auth.peer_token to the secret; or set \
                 auth.peer_token_file, or a certificate in peers.tls",
            ));
        }
        let (secret, sha256) = auth::token::generate()?;
        let scopes = PEER_SCOPES.map(str::to_owned).to_vec();
        auth.tokens.push(TokenConfig { name: "suite".into(), sha256, scopes, calls_per_second: 0 });
        auth.peer_token = Some(secret.into());
        Ok(auth)
    }
}

/// "0.0.0.0" is an address to listen on, not one to call.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port())
    } else {
        listen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_again() {
        let printed = perennial_platform::config::to_toml(&Config::default()).unwrap();
        let read: Config = toml::from_str(&printed).unwrap();
        assert_eq!(perennial_platform::config::to_toml(&read).unwrap(), printed);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Config>("[server]\nlisten_on = \"x\"").unwrap_err();
        assert!(error.to_string().contains("listen_on"), "{error}");
    }

    #[test]
    fn services_of_the_process_are_called_where_they_listen() {
        let mut config = Config::default();
        config.ports.loyalty = 6000;
        config.peers.identity = "http://identity:1".into();
        let peers = config.platform(&[Service::Loyalty]).unwrap().peers;
        assert_eq!(peers.loyalty, "http://127.0.0.1:6000");
        assert_eq!(peers.identity, "http://identity:1");
    }

    #[test]
    fn services_with_callers_need_a_token_for_each_other() {
        let mut config = Config::default();
        let all = Service::All.each();
        assert!(config.platform(&all).unwrap().auth.peer_token.is_none());
        let (_, sha256) = auth::token::generate().unwrap();
        let scopes = vec!["*".to_owned()];
        config.auth.tokens =
            vec![TokenConfig { name: "crm".into(), sha256, scopes, calls_per_second: 0 }];
        let together = config.platform(&all).unwrap().auth;
        assert!(together.peer_token.is_some() && together.tokens.len() == 2);
        let alone = config.platform(&[Service::Loyalty]).unwrap_err();
        assert_eq!(alone.reason(), "PEER_TOKEN_REQUIRED");
    }
}
