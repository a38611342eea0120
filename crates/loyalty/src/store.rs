//! The tables: functions over a connection or a transaction, whole sets at a time.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod charges;
pub(crate) mod charity;
pub(crate) mod claims;
pub(crate) mod coupons;
pub(crate) mod entries;
pub(crate) mod facts;
pub(crate) mod grants;
pub(crate) mod head;
pub(crate) mod history;
pub(crate) mod holds;
pub(crate) mod incidents;
pub(crate) mod judgements;
pub(crate) mod lots;
pub(crate) mod memberships;
mod migrations;
pub(crate) mod notices;
pub(crate) mod progress;
pub(crate) mod redemptions;
pub(crate) mod referrals;
mod rows;
pub(crate) mod rules;
pub(crate) mod standings;
pub(crate) mod totals;
pub(crate) mod unlocks;
pub(crate) mod waiting;
pub(crate) mod warnings;

pub use migrations::migrations;

use perennial_platform::Error;

/// A row that this program cannot have written.
fn damaged(table: &'static str, what: impl std::fmt::Display) -> Error {
    Error::internal(format!("a row of {table} cannot be read: {what}"))
}
