//! Names of workloads in certificates: `spiffe://<trust domain>/<path>`
//! (SPIFFE ID and X.509-SVID specifications).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::error::{Code, Error};

/// Longest id, in bytes (SPIFFE ID, section 2.3).
const LONGEST: usize = 2048;

/// Who a certificate names. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SpiffeId(Arc<str>);

impl SpiffeId {
    /// The one in a certificate; its signature has been checked by others. `None` without one, and
    /// when there are several URI names (X.509-SVID, section 2: such a certificate is refused).
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let mut names = certificate.valid_uri_names();
        match (names.next(), names.next()) {
            (Some(name), None) => name.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn trust_domain(&self) -> &str {
        let rest = self.0.strip_prefix("spiffe://").unwrap_or_default();
        rest.split_once('/').map_or(rest, |(domain, _)| domain)
    }
}

impl FromStr for SpiffeId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            let message = format!("{text:?} is not like spiffe://cluster.local/ns/shop/sa/backend");
            Error::new(Code::InvalidArgument, "AUTH_CONFIG", message)
        };
        let rest = text.strip_prefix("spiffe://").ok_or_else(refused)?;
        let (domain, path) = rest.split_once('/').ok_or_else(refused)?;
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
        let any = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let segment = |s: &str| !matches!(s, "" | "." | "..") && s.bytes().all(any);
        let fits = text.len() <= LONGEST
            && !domain.is_empty()
            && domain.bytes().all(lower)
            && path.split('/').all(segment);
        if fits { Ok(Self(text.into())) } else { Err(refused()) }
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_specification_says() {
        let id: SpiffeId = "spiffe://cluster.local/ns/shop/sa/backend".parse().unwrap();
        assert_eq!(id.trust_domain(), "cluster.local");
        for wrong in [
            "",
            "https://cluster.local/ns/shop",
            "spiffe://cluster.local",
            "spiffe://cluster.local/",
            "spiffe:///ns/shop",
            "spiffe://Cluster.local/ns",
            "spiffe://cluster.local:443/ns",
            "spiffe://user@cluster.local/ns",
            "spiffe://cluster.local/ns//sa",
            "spiffe://cluster.local/ns/../sa",
            "spiffe://cluster.local/ns?x",
            "spiffe://cluster.local/ns/%41",
        ] {
            assert!(wrong.parse::<SpiffeId>().is_err(), "{wrong}");
        }
    }
}
