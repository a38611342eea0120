//! Page tokens: opaque, signed, bound to the other arguments of the list they continue.
//!
//! A token holds the key of the last row shown (keyset), so pages stay stable under inserts.

use crate::error::{Error, Result};
use crate::vault::Vault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows on a page when the caller does not say.
pub const DEFAULT_SIZE: u64 = 50;
/// Rows on a page at most; a larger wish is cut down to it (AIP-158).
pub const MAX_SIZE: u64 = 500;

const SIGNATURE: usize = 16;

/// Opens and makes page tokens.
#[derive(Debug, Clone)]
pub struct Pages {
    vault: Vault,
}

impl Pages {
    /// Signs with a key derived from the vault's master key.
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// The number of rows asked for and where to go on. `filter` is all other arguments of the
    /// list as text. Errors: INVALID_ARGUMENT for a token that is not ours or belongs to a list
    /// with other arguments.
    pub fn open<C: DeserializeOwned>(
        &self,
        page_size: i32,
        token: &str,
        filter: &str,
    ) -> Result<(u64, Option<C>)> {
        let size = match u64::try_from(page_size) {
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MAX_SIZE),
            Err(_) => return Err(Error::invalid("page_size", "must not be negative")),
        };
        if token.is_empty() {
            return Ok((size, None));
        }
        let wrong = || Error::invalid("page_token", "is not a token of this list");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
        let (signature, cursor) = bytes.split_at_checked(SIGNATURE).ok_or_else(wrong)?;
        if self.sign(filter, cursor) != signature {
            return Err(wrong());
        }
        let cursor = serde_json::from_slice(cursor).map_err(|_| wrong())?;
        Ok((size, Some(cursor)))
    }

    /// The token that continues after the row with this key.
    pub fn token<C: Serialize>(&self, filter: &str, cursor: &C) -> String {
        let cursor = serde_json::to_vec(cursor).unwrap_or_default();
        let mut bytes = self.sign(filter, &cursor);
        bytes.extend(cursor);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn sign(&self, filter: &str, cursor: &[u8]) -> Vec<u8> {
        let mut text = filter.as_bytes().to_vec();
        text.push(0);
        text.extend(cursor);
        let mut tag = self.vault.keyed_hash("page", &text);
        tag.truncate(SIGNATURE);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Vault;

    #[test]
    fn a_token_continues_its_own_list_only() {
        let pages = Pages::new(Vault::for_tests());
        let token = pages.token("state=open", &("a", 7));
        let (size, cursor) = pages.open::<(String, i32)>(0, &token, "state=open").unwrap();
        assert_eq!((size, cursor), (DEFAULT_SIZE, Some(("a".to_owned(), 7))));
        assert!(pages.open::<(String, i32)>(0, &token, "state=closed").is_err());
        assert!(pages.open::<(String, i32)>(0, "x", "state=open").is_err());
        assert!(pages.open::<(String, i32)>(-1, "", "").is_err());
        assert_eq!(pages.open::<()>(9_999, "", "").unwrap().0, MAX_SIZE);
    }
}
