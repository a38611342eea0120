//! The tables of this service: set-based functions over any connection. Rows stay private; what
//! goes in and comes out are values of the domain.

pub mod checks;
pub mod messages;
pub mod migrations;
pub mod people;
pub mod preferences;
pub mod reports;
mod rows;
pub mod templates;

/// Rows in one statement: SQLite binds at most 32,766 values, and a message has 27 columns.
const CHUNK: usize = 1_000;
