//! Personal values between memory and storage: sealed under the user's own key.

use crate::domain::profile::Personal;
use perennial_platform::vault::Vault;
use perennial_platform::{Error, Result};

/// Where sealed values belong; they open nowhere else.
const CONTEXT: &str = "profiles.sealed";

/// Seals personal values with the user's wrapped key.
pub(super) fn seal(vault: &Vault, wrapped_key: &[u8], personal: &Personal) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(personal).map_err(Error::internal)?;
    vault.open(wrapped_key)?.seal(CONTEXT, &plain)
}

/// Opens what [`seal`] made.
pub(super) fn unseal(vault: &Vault, wrapped_key: &[u8], sealed: &[u8]) -> Result<Personal> {
    let plain = vault.open(wrapped_key)?.unseal(CONTEXT, sealed)?;
    // The error of a parser may quote what it read; nothing personal goes into a log.
    serde_json::from_slice(&plain).map_err(|_| Error::internal("sealed values are not a profile's"))
}

/// Keyed hash of an e-mail address, to find it by; `None` for none.
pub(super) fn email_hash(vault: &Vault, email: &str) -> Option<Vec<u8>> {
    let comparable = Personal::comparable_email(email);
    (!comparable.is_empty()).then(|| vault.lookup_hash("profiles.email", &comparable))
}

/// Keyed hash of a phone number, to find it by; `None` for none.
pub(super) fn phone_hash(vault: &Vault, phone: &str) -> Option<Vec<u8>> {
    (!phone.is_empty()).then(|| vault.lookup_hash("profiles.phone", phone))
}
