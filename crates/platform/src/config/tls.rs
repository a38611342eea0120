//! Certificates: the server's own, those it accepts, and those this process shows to its peers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// TLS on the services' ports. The files are PEM, looked at again for new connections, and taken
/// only when they fit together; otherwise the last good ones stay.
///
/// Health checks are answered without TLS as well, on the same port: the kubelet knows no other
/// gRPC probe.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The server's certificate, followed by those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Roots of the certificates that callers have to show; without it none is asked for.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// TLS to the other services of the suite; their addresses have to begin with `https://`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerTlsConfig {
    /// Roots of the peers' certificates, which have to bear the host names in the addresses.
    pub ca: PathBuf,
    /// The certificate that this process shows.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub key: Option<PathBuf>,
}
