//! Entities, one file a table.

pub(super) mod choice;
pub(super) mod complaint;
pub(super) mod message;
pub(super) mod preference;
pub(super) mod recipient;
pub(super) mod template;
pub(super) mod tombstone;
