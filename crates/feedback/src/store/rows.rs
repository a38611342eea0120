//! The tables, one entity each.

pub(super) mod clocks;
pub(super) mod customers;
pub(super) mod feedback;
pub(super) mod messages;
pub(super) mod plans;
pub(super) mod ticket_events;
pub(super) mod tickets;
pub(super) mod weekly_reports;
