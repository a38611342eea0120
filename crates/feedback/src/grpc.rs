//! The contract's services over the use cases.

mod convert;
mod feedback;
mod insight;
mod show;
mod tickets;

pub(crate) use feedback::Feedback;
pub(crate) use insight::Insight;
pub(crate) use tickets::Tickets;
