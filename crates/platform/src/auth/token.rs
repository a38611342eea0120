//! Bearer tokens: 256 random bits, kept by the caller; we keep the SHA-256 only.
//!
//! A plain hash is enough, because nobody can search 256 random bits; slow hashes are for
//! passwords that people choose.

use std::str::FromStr;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Code, Error, Result};

/// Makes a new token: the secret for the caller (`per_` and 64 hexadecimal digits, so that
/// secret scanners can find it) and its SHA-256 in hexadecimal for the settings.
pub fn generate() -> Result<(String, String)> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::internal("the system gives no random bytes"))?;
    let secret = format!("per_{}", hex::encode(bytes));
    let sha256 = hex::encode(Digest::of(&secret).0);
    Ok((secret, sha256))
}

/// SHA-256 of a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Compares in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(other.0);
        pairs.fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| {
            let message = "sha256 of a token must be 64 hexadecimal digits";
            Error::new(Code::InvalidArgument, "AUTH_CONFIG", message)
        })?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_in_the_settings_is_that_of_the_secret() {
        let (secret, sha256) = generate().unwrap();
        assert!(sha256.parse::<Digest>().unwrap().is(&Digest::of(&secret)));
        assert!(!Digest::of("other").is(&Digest::of(&secret)));
        assert_ne!(generate().unwrap().0, secret);
    }

    #[test]
    fn a_shortened_hash_is_refused() {
        assert!("abcd".parse::<Digest>().is_err());
    }
}
