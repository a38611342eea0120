//! Certificates made for a test, as files.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use std::path::{Path, PathBuf};

/// A root that signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a root certificate"))
    }

    /// Its own certificate (PEM).
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes its own certificate to `<folder>/<name>.crt`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(format!("{name}.crt"));
        std::fs::write(&file, self.pem()).expect("a file");
        file
    }

    /// Writes a certificate for localhost and 127.0.0.1, with these URI names, and its key to
    /// `<folder>/<name>.crt` and `.key`.
    ///
    /// # Panics
    /// When they cannot be made or written.
    pub fn issue(&self, folder: &Path, name: &str, uris: &[&str]) -> CertificateFiles {
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        for uri in uris {
            let uri = (*uri).try_into().expect("a URI of ASCII");
            params.subject_alt_names.push(SanType::URI(uri));
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let files = CertificateFiles {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, certificate.pem()).expect("a file");
        std::fs::write(&files.key, key.serialize_pem()).expect("a file");
        files
    }
}
