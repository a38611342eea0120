//! The tables, as functions over a connection or transaction: sets in, sets out, no rules.
//!
//! Rows that a transaction will change are locked in the order of user ids, so that replicas
//! never wait for each other in a circle.

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
/// Values of one IN (...).
const IDS: usize = 10_000;
