//! The tables' rows, private to the store.

pub(super) mod activity;
pub(super) mod complaint;
pub(super) mod membership;
pub(super) mod profile;
pub(super) mod spend_day;
pub(super) mod user;
pub(super) mod user_day;
