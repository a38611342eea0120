//! What members have at an instant, looked up for many callers at once.

use super::ledger;
use super::rulebook::Rulebook;
use crate::domain::book::Wallet;
use crate::domain::{Book, Lot, Refusal, Time};
use perennial_platform::clock::Clock;
use perennial_platform::db::Db;
use perennial_platform::gather::Lookup;
use perennial_platform::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// How often a read is tried that a write got in between of.
pub(crate) const TRIES: usize = 8;

/// What a member has at an instant.
pub(crate) struct Snapshot {
    pub(crate) now: Time,
    user: String,
    /// Everything that fell due is taken into account. Shared with those who asked together.
    book: Arc<Book>,
    /// The lots as they are written down.
    pub(crate) booked: Vec<Lot>,
}

impl Snapshot {
    /// The member. Errors: none, once it was taken.
    pub(crate) fn wallet(&self) -> Result<&Wallet> {
        self.book.wallet(&self.user).ok_or_else(|| Refusal::MemberNotFound.into())
    }
}

/// Takes snapshots. Nothing is written: what fell due is settled in memory by the code that will
/// write it down.
pub(crate) struct Snapshots {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) rules: Arc<Rulebook>,
}

impl Lookup for Snapshots {
    /// A member.
    type Question = String;
    /// Errors: NOT_FOUND / MEMBER_NOT_FOUND; ABORTED / BUSY_MEMBER.
    type Answer = Snapshot;

    async fn look_up(&self, users: Vec<String>) -> Result<Vec<Result<Snapshot>>> {
        let mut wanted: Vec<String> = users.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = HashMap::with_capacity(wanted.len());
        for _ in 0..TRIES {
            let (now, torn) = self.read(&wanted, &mut found).await?;
            tracing::trace!(%now, torn = torn.len(), "balances were read");
            if torn.is_empty() {
                break;
            }
            wanted = torn;
        }
        let answer = |user: String| match found.get(&user) {
            Some(Taken { now, book: Some(book), booked }) => {
                Ok(Snapshot { now: *now, user, book: Arc::clone(book), booked: booked.clone() })
            }
            Some(Taken { book: None, .. }) => Err(Refusal::MemberNotFound.into()),
            None => Err(busy()),
        };
        Ok(users.into_iter().map(answer).collect())
    }
}

/// What was found of one member: nobody without a book.
struct Taken {
    now: Time,
    book: Option<Arc<Book>>,
    booked: Vec<Lot>,
}

impl Snapshots {
    /// Reads these members into `found`; answers those whose points changed meanwhile. Accounts,
    /// lots and holds come from three statements: if a posting committed between them, they do not
    /// add up.
    async fn read(
        &self,
        users: &[String],
        found: &mut HashMap<String, Taken>,
    ) -> Result<(Time, Vec<String>)> {
        let now = self.clock.now();
        let mut book = Book::new(&self.rules.current(), now, 0);
        ledger::load_wallets(self.db.read(), &mut book, users, now).await?;
        let mut torn = Vec::new();
        let mut whole = Vec::with_capacity(users.len());
        for user in users {
            match book.wallet(user).map(|wallet| (wallet.adds_up(), wallet)) {
                None => {
                    found.insert(user.clone(), Taken { now, book: None, booked: Vec::new() });
                }
                Some((false, _)) => torn.push(user.clone()),
                Some((true, wallet)) => whole.push((user, wallet.lots().cloned().collect())),
            }
        }
        for (user, _) in whole.iter().filter(|_| !flawed!(ExpiryByJobOnly)) {
            book.settle(user);
        }
        let book = Arc::new(book);
        for (user, booked) in whole {
            let book = Some(Arc::clone(&book));
            found.insert(user.clone(), Taken { now, book, booked });
        }
        Ok((now, torn))
    }
}

/// The refusal of a read that never saw one state.
pub(crate) fn busy() -> Error {
    Error::aborted("BUSY_MEMBER", "the member's points kept changing while they were read")
}
