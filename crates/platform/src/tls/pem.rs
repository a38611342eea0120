//! Certificates and keys from PEM.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Code, Error, Result};

/// A certificate and those between it and the root.
pub(super) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(format!("a certificate cannot be read: {error:?}")))?;
    if chain.is_empty() { Err(refused("no certificate in the file")) } else { Ok(chain) }
}

/// The certificates to believe in.
pub(super) fn roots(pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in chain(pem)? {
        roots.add(root).map_err(|error| refused(format!("a root is not usable: {error}")))?;
    }
    Ok(roots)
}

/// A private key. What is wrong with it is not repeated.
pub(super) fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| refused("no private key in the file"))
}

/// INVALID_ARGUMENT / TLS_CONFIG.
pub(super) fn refused(what: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument, "TLS_CONFIG", what)
}
