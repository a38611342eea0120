//! One-step unsubscribing (RFC 8058).
//!
//! The token in a mail is the id of the message and a keyed hash of it: it names no user, cannot
//! be guessed, and needs no table. The message itself says who is meant and what about.

use super::{App, NotificationId};
use crate::domain::preference::Choice;
use crate::store::messages;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use perennial_platform::Result;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::vault::Vault;
use uuid::Uuid;

const TAG: usize = 16;

fn tag(vault: &Vault, id: Uuid) -> Vec<u8> {
    let mut tag = vault.lookup_hash("notification.unsubscribe", &id.simple().to_string());
    tag.truncate(TAG);
    tag
}

/// The token of a message.
fn token(vault: &Vault, id: NotificationId) -> String {
    let mut bytes = id.uuid().into_bytes().to_vec();
    bytes.extend(tag(vault, id.uuid()));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The message a token belongs to; `None` when the token is not ours.
fn opened(vault: &Vault, token: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, given) = bytes.split_at_checked(16)?;
    let id = Uuid::from_slice(id).ok()?;
    // The hash is the secret; compared in constant time, so that it cannot be found byte by byte.
    let same = tag(vault, id).iter().zip(given).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0;
    (given.len() == TAG && same).then_some(id)
}

impl App {
    /// The token that a message carries.
    pub fn unsubscribe_token(&self, id: NotificationId) -> String {
        token(&self.vault, id)
    }

    /// Opts a user out of the topic and channel of the message that carried the token. Answers
    /// the same for a token that is unknown, forged, or of a user who was erased.
    pub async fn unsubscribe(&self, token: &str, key: Option<Key>) -> Result<Reply<()>> {
        let now = self.clock.now();
        once(&self.db, &self.clock, key, async |tx| {
            let Some(id) = opened(&self.vault, token) else { return Ok(()) };
            let found = messages::by_ids(tx, &[id]).await?;
            let Some(message) = found.first() else { return Ok(()) };
            if !self.is_present(tx, &message.user_id).await? {
                return Ok(());
            }
            let choice = Choice {
                topic: message.topic.clone(),
                channel: Some(message.channel),
                opted_in: false,
            };
            self.choose(tx, &message.user_id, &[choice], Some(id), now).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_open() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let id = Uuid::from_u128(99);
        let token = token(&vault, id.into());
        assert_eq!(opened(&vault, &token), Some(id));
        assert_eq!(opened(&Vault::new(&[8; 32]).unwrap(), &token), None);
        assert_eq!(opened(&vault, &token[..token.len() - 2]), None);
        assert_eq!(opened(&vault, ""), None);
        assert_eq!(opened(&vault, "no token"), None);
    }
}
