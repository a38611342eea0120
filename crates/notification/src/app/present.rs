//! Users who are there, and stay while a transaction writes about them.
//!
//! Always locked first and asked for their tombstone then: whoever asks first can wait at the lock
//! for an erasure, and write down again what it just deleted.

use super::App;
use crate::store::people::{self, Recipient};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::{HashMap, HashSet};

impl App {
    /// Holds users, sorted, until the transaction ends; answers which of them were erased.
    pub(super) async fn hold(&self, tx: &Tx, users: &[String]) -> Result<HashSet<String>> {
        people::hold(tx, users).await?;
        self.gone(tx, users).await
    }

    /// Holds one user until the transaction ends; `false` when the user was erased.
    pub(crate) async fn is_present(&self, tx: &Tx, user_id: &str) -> Result<bool> {
        Ok(self.hold(tx, &[user_id.to_owned()]).await?.is_empty())
    }

    /// Locks one user for a change of what is known about them; `None` when the user was erased.
    pub(super) async fn present(&self, tx: &Tx, user_id: &str) -> Result<Option<Recipient>> {
        let person = people::lock(tx, user_id).await?;
        let gone = self.gone(tx, &[user_id.to_owned()]).await?;
        Ok(person.filter(|_| gone.is_empty()))
    }

    /// Which of the locked users were erased. Locking made them rows again, which would name them.
    async fn gone(&self, tx: &Tx, users: &[String]) -> Result<HashSet<String>> {
        let hashes: HashMap<String, &String> =
            users.iter().map(|user| (self.tombstone(user), user)).collect();
        let list: Vec<String> = hashes.keys().cloned().collect();
        let found = people::erased(tx, &list).await?;
        let gone: Vec<String> =
            found.iter().filter_map(|hash| hashes.get(hash)).map(|user| (*user).clone()).collect();
        people::remove(tx, &gone).await?;
        Ok(gone.into_iter().collect())
    }
}
