//! What customers say and are told, sealed with their own key.
//!
//! Erasing a user destroys the key; what is still found in a backup or a log file is noise.

use perennial_platform::error::{Error, Result};
use perennial_platform::vault::{Pii, UserKey, Vault};
use perennial_proto::feedback::v1::{Attachment, Context};
use prost::Message;
use std::collections::HashMap;

/// The personal part of feedback. It is kept in the contract's own encoding, which only grows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Words {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) context: Option<Context>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attachments: Vec<Attachment>,
}

/// Where each sealed value belongs: part of what is authenticated.
const WORDS: &str = "feedback.words";
const BODY: &str = "messages.body";

pub(super) fn seal_words(key: &UserKey, words: &Words) -> Result<Vec<u8>> {
    key.seal(WORDS, &words.encode_to_vec())
}

pub(super) fn seal_body(key: &UserKey, text: &str) -> Result<Vec<u8>> {
    key.seal(BODY, text.as_bytes())
}

/// The opened keys of some customers.
pub(super) struct Keys(HashMap<String, UserKey>);

impl Keys {
    pub(super) fn open(vault: &Vault, wrapped: HashMap<String, Vec<u8>>) -> Result<Self> {
        let opened = wrapped.into_iter().map(|(user, key)| Ok((user, vault.open(&key)?)));
        Ok(Self(opened.collect::<Result<_>>()?))
    }

    /// The words of a customer; `None` when they or the key were erased.
    pub(super) fn words(&self, user: &str, sealed: Option<&[u8]>) -> Result<Option<Pii<Words>>> {
        let plain = self.unseal(user, WORDS, sealed)?;
        let words = plain.map(|plain| Words::decode(plain.as_slice()).map_err(Error::internal));
        Ok(words.transpose()?.map(Pii::new))
    }

    /// The text of a message; `None` when it or the key was erased.
    pub(super) fn body(&self, user: &str, sealed: Option<&[u8]>) -> Result<Option<Pii<String>>> {
        let plain = self.unseal(user, BODY, sealed)?;
        let text = plain.map(|plain| String::from_utf8(plain).map_err(Error::internal));
        Ok(text.transpose()?.map(Pii::new))
    }

    fn unseal(&self, user: &str, context: &str, sealed: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let sealed = self.0.get(user).zip(sealed);
        sealed.map(|(key, sealed)| key.unseal(context, sealed)).transpose()
    }
}
