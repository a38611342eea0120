//! Background work: what falls due by time, and what other services tell.

mod evaluate;
mod follow_feedback;

pub use evaluate::Evaluate;
pub use follow_feedback::FollowFeedback;
