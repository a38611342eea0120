//! What a channel is told to talk to: `http://host:port`, one or several with commas between.

use crate::ConfigError;
use http::Uri;
use http::uri::Scheme;

/// One address; its host may stand for several endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `http://host:port`, what requests carry as their authority.
    pub(crate) origin: Uri,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

/// Reads a list of addresses. Errors: none in it, or one that is no `http(s)://host:port`.
pub(crate) fn parse(text: &str) -> Result<Vec<Address>, ConfigError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let all: Vec<Address> = parts.map(one).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(ConfigError::Address(text.to_owned()));
    }
    Ok(all)
}

fn one(text: &str) -> Result<Address, ConfigError> {
    let refused = || ConfigError::Address(text.to_owned());
    let origin: Uri = text.parse().map_err(|_| refused())?;
    let tls = match origin.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err(refused()),
    };
    let port = origin.port_u16().ok_or_else(refused)?;
    // An IPv6 address stands in brackets in a URI and without them elsewhere.
    let host = origin.host().ok_or_else(refused)?.trim_matches(['[', ']']).to_owned();
    if host.is_empty() || !matches!(origin.path(), "" | "/") || origin.query().is_some() {
        return Err(refused());
    }
    Ok(Address { origin, host, port, tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_several() {
        let all = parse("http://loyalty-headless:50053, https://[::1]:1").unwrap();
        let seen: Vec<_> = all.iter().map(|a| (a.host.as_str(), a.port, a.tls)).collect();
        assert_eq!(seen, [("loyalty-headless", 50053, false), ("::1", 1, true)]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", ",", "loyalty:50053", "http://loyalty", "ftp://a:1", "http://a:1/path"] {
            assert!(matches!(parse(text), Err(ConfigError::Address(_))), "{text}");
        }
    }
}
