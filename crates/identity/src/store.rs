//! The tables, as functions over a connection or transaction: sets in, sets out, no rules.
//!
//! A statement locks the users it names in the order of their ids, so transactions of one such
//! statement, which all calls are, never wait for each other in a circle. A consumer's transaction
//! takes many events one after the other, each with its own lock, and may: the database then ends
//! one of the two, which is repeated, the consumer's one event at a time.

pub mod activities;
pub mod complaints;
pub mod figures;
pub mod memberships;
mod migrations;
pub mod profiles;
mod rows;
pub mod tiles;
pub mod users;

pub use migrations::migrations;

/// Rows of one INSERT: below SQLite's limit of 32,766 bound values for every table here.
const CHUNK: usize = 1_000;
