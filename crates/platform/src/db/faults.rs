//! Faults for simulations: what happens when a transaction's next step does not.
//!
//! Only a database opened with [`super::Db::open_with_faults`] asks; every other one has nobody to
//! ask.

use futures::future::BoxFuture;
use sea_orm::DbErr;

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before it begins.
    Begin,
    /// Before a statement.
    Statement,
    /// Before the commit, with everything written.
    Commit,
    /// After the commit, before anybody is told.
    Committed,
}

/// Decides what becomes of the steps of transactions.
pub trait Faults: Send + Sync {
    /// Called at each step: an error takes its place; while the future waits, so does the
    /// transaction, and if it is dropped there, that is where it ends.
    fn reach(&self, step: Step) -> BoxFuture<'_, Result<(), DbErr>>;
}
