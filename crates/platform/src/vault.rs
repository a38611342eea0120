//! Personal data: each value sealed with its user's own key, each key wrapped by a master key.
//!
//! Erasing a user destroys the wrapped key. DELETE is not erasure: a deleted value survives in
//! the write-ahead log, in free pages and in backups; ciphertext without a key does not matter.
//!
//! AES-256-GCM throughout (NIST SP 800-38D), a fresh random 96-bit nonce for every value; the
//! context (table and column) is authenticated, so a sealed value cannot be moved elsewhere.

mod master;
mod pii;

pub use master::master_key;
pub use pii::Pii;

use crate::error::{Error, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::sync::Arc;

const KEY_LENGTH: usize = 32;
const WRAP_CONTEXT: &str = "user-key";

/// Holds the master key; makes and opens users' keys. Clones share it.
#[derive(Clone)]
pub struct Vault(Arc<Keys>);

struct Keys {
    wrap: LessSafeKey,
    hash: hmac::Key,
    random: SystemRandom,
}

/// A user's key as it is stored: only the vault that wrapped it can open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// A user's opened key.
pub struct UserKey {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Vault {
    /// From a master key of 32 bytes. Errors: INVALID_ARGUMENT on another length.
    pub fn new(master: &[u8]) -> Result<Self> {
        if master.len() != KEY_LENGTH {
            return Err(Error::invalid("master_key", "must be 32 bytes"));
        }
        // Separate keys for separate purposes, so that no use can be turned against another.
        let derive = |purpose: &str| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), purpose.as_bytes())
        };
        let wrap = UnboundKey::new(&AES_256_GCM, derive("wrap").as_ref())
            .map_err(|_| Error::internal("a wrapping key of the wrong length"))?;
        let hash = hmac::Key::new(hmac::HMAC_SHA256, derive("hash").as_ref());
        Ok(Self(Arc::new(Keys { wrap: LessSafeKey::new(wrap), hash, random: SystemRandom::new() })))
    }

    /// A vault with a fixed key.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(&[7; KEY_LENGTH]).expect("32 bytes")
    }

    /// Random bytes for a new master key.
    pub fn generate_master() -> Result<[u8; KEY_LENGTH]> {
        let mut bytes = [0; KEY_LENGTH];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(bytes)
    }

    /// A new key for a user, wrapped for storage.
    pub fn new_user_key(&self) -> Result<WrappedKey> {
        let key = Self::generate_master()?;
        Ok(WrappedKey(seal(&self.0.wrap, &self.0.random, WRAP_CONTEXT, &key)?))
    }

    /// Opens a stored key. Errors: INTERNAL when it was wrapped under another master key.
    pub fn open(&self, wrapped: &[u8]) -> Result<UserKey> {
        let key = unseal(&self.0.wrap, WRAP_CONTEXT, wrapped)?;
        let key = UnboundKey::new(&AES_256_GCM, &key)
            .map_err(|_| Error::internal("a user key of the wrong length"))?;
        Ok(UserKey { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// A keyed hash to look values up by equality without storing them (HMAC-SHA256, 32 bytes).
    /// The same value gives different hashes in different domains.
    pub fn lookup_hash(&self, domain: &str, value: &str) -> Vec<u8> {
        self.keyed_hash(domain, value.as_bytes())
    }

    pub(crate) fn keyed_hash(&self, domain: &str, bytes: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0.hash);
        context.update(domain.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        context.sign().as_ref().to_vec()
    }
}

impl UserKey {
    /// Seals a value. `context` says where it belongs, for example "profile.email".
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        seal(&self.key, &self.random, context, plain)
    }

    /// Opens a value sealed with the same key and context. Errors: INTERNAL when it was not.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        unseal(&self.key, context, sealed)
    }
}

fn seal(key: &LessSafeKey, random: &SystemRandom, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| Error::internal("no randomness"))?;
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(context.as_bytes()),
        &mut sealed,
    )
    .map_err(|_| Error::internal("a value could not be sealed"))?;
    let mut out = nonce.to_vec();
    out.append(&mut sealed);
    Ok(out)
}

fn unseal(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let broken = || Error::internal("a sealed value does not open with this key and context");
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut body = body.to_vec();
    let plain =
        key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).map_err(|_| broken())?;
    Ok(plain.to_vec())
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault([redacted])")
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_own_key_and_context() {
        let vault = Vault::for_tests();
        let wrapped = vault.new_user_key().unwrap();
        let key = vault.open(&wrapped.0).unwrap();
        let sealed = key.seal("profile.email", b"li@example.cn").unwrap();
        assert_eq!(key.unseal("profile.email", &sealed).unwrap(), b"li@example.cn");
        assert!(key.unseal("profile.phone", &sealed).is_err());
        let other = vault.open(&vault.new_user_key().unwrap().0).unwrap();
        assert!(other.unseal("profile.email", &sealed).is_err());
        assert!(Vault::new(&[8; 32]).unwrap().open(&wrapped.0).is_err());
        let mut tampered = sealed;
        tampered[20] ^= 1;
        assert!(key.unseal("profile.email", &tampered).is_err());
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let vault = Vault::for_tests();
        let key = vault.open(&vault.new_user_key().unwrap().0).unwrap();
        assert_ne!(key.seal("a", b"x").unwrap(), key.seal("a", b"x").unwrap());
        assert_eq!(vault.lookup_hash("email", "x"), vault.lookup_hash("email", "x"));
        assert_ne!(vault.lookup_hash("email", "x"), vault.lookup_hash("phone", "x"));
    }
}
