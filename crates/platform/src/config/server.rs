//! Settings of the process: how it listens, whom it lets in, what it tells about itself.
//!
//! They are read once at start ([`crate::config`]) and are the same for every service in the
//! process. Durations are whole seconds (or milliseconds for deadlines), the unit is in the name.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{AuthConfig, PeerTlsConfig, TlsConfig};

/// Everything that is the same for all services of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformConfig {
    /// Folder for SQLite files and, without `master_key`, for the key.
    pub data: PathBuf,
    /// Key that wraps every user's data key, 64 hexadecimal digits; lost with it is all personal
    /// data. Without it a key is made on first start and kept in `master.key` in the data
    /// folder: fine for one machine, not for replicas.
    #[serde(skip_serializing)]
    pub master_key: Option<SecretString>,
    /// Listening and limits.
    pub server: ServerConfig,
    /// Who may call.
    pub auth: AuthConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// Logs, traces, metrics.
    pub telemetry: TelemetryConfig,
    /// The other services of the suite.
    pub peers: PeersConfig,
}

impl Default for PlatformConfig {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            master_key: None,
            server: ServerConfig::default(),
            auth: AuthConfig::default(),
            redis: RedisConfig::default(),
            telemetry: TelemetryConfig::default(),
            peers: PeersConfig::default(),
        }
    }
}

/// How the gRPC servers of this process listen and when they refuse.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address that every service of the process listens on; the ports are the services' own.
    /// Anything but a loopback address needs callers, see [`AuthConfig`].
    pub listen: IpAddr,
    /// Calls that may run at once in the whole process, streams included; one more is answered
    /// RESOURCE_EXHAUSTED.
    pub max_in_flight: usize,
    /// Let fewer calls in than `max_in_flight` (but 16) while calls take more than half of their
    /// deadline, as many as are answered in that time.
    pub adaptive_limit: bool,
    /// Connections that may be open at once per service; the next waits to be accepted.
    pub max_connections: usize,
    /// Calls that may run at once on one connection (HTTP/2 streams).
    pub max_streams: u32,
    /// Deadline of a call whose caller sets none, in milliseconds.
    pub default_deadline_ms: u64,
    /// Longest deadline a caller gets, in milliseconds. Streams from the server are not cut by
    /// it, only by the deadline their caller asked for.
    pub max_deadline_ms: u64,
    /// Largest message a caller may send, in bytes; at most 4 MiB.
    pub max_message_bytes: usize,
    /// Age at which a connection is told to go away (GOAWAY), give or take 10 %, so that load
    /// spreads over new replicas. Calls in flight finish first.
    pub max_connection_age_seconds: u64,
    /// Time between "not serving" and the end of accepting calls, so that load balancers notice.
    /// 0 alone, 5 behind Kubernetes.
    pub drain_delay_seconds: u64,
    /// Time that calls in flight have to finish once the server has stopped accepting.
    pub drain_seconds: u64,
    /// Hard end: this long after the signal the process exits, finished or not. Kubernetes:
    /// terminationGracePeriodSeconds - 5.
    pub shutdown_seconds: u64,
    /// Serve grpc.reflection.v1 and v1alpha (behind auth like everything else).
    pub reflection: bool,
    /// TLS; without it the ports speak plain HTTP/2.
    pub tls: Option<TlsConfig>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            max_in_flight: 256,
            adaptive_limit: true,
            max_connections: 1024,
            max_streams: 200,
            default_deadline_ms: 5_000,
            max_deadline_ms: 30_000,
            max_message_bytes: 1024 * 1024,
            max_connection_age_seconds: 600,
            drain_delay_seconds: 0,
            drain_seconds: 10,
            shutdown_seconds: 25,
            reflection: true,
            tls: None,
        }
    }
}

/// Redis, which speeds things up and is never the truth.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// For example `redis://127.0.0.1:6379/0`, or `rediss://` for TLS; without it the process
    /// uses its own memory.
    #[serde(skip_serializing)]
    pub url: Option<SecretString>,
    /// Roots (PEM) by which the server's certificate is believed; without it those of the system.
    pub ca: Option<PathBuf>,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Form of the log lines on standard error.
    pub log_format: LogFormat,
    /// Which lines, in the notation of tracing's `EnvFilter`: `info,perennial_platform=debug`.
    pub log_filter: String,
    /// OTLP/gRPC collector for traces and metrics, for example `http://127.0.0.1:4317`.
    pub otlp_endpoint: Option<String>,
    /// `service.name` in traces and metrics.
    pub service_name: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Pretty,
            log_filter: "info,sea_orm_migration=warn".to_owned(),
            otlp_endpoint: None,
            service_name: "perennial".to_owned(),
        }
    }
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people at a terminal.
    Pretty,
}

/// Where the services of the suite are found; `http://host:port` each, or `https://host:port`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeersConfig {
    /// identity.
    pub identity: String,
    /// feedback.
    pub feedback: String,
    /// loyalty.
    pub loyalty: String,
    /// notification.
    pub notification: String,
    /// TLS to them.
    pub tls: Option<PeerTlsConfig>,
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            identity: "http://127.0.0.1:50051".to_owned(),
            feedback: "http://127.0.0.1:50052".to_owned(),
            loyalty: "http://127.0.0.1:50053".to_owned(),
            notification: "http://127.0.0.1:50054".to_owned(),
            tls: None,
        }
    }
}
