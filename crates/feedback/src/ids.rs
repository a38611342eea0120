//! The identifiers of the service.

use perennial_platform::id::{Id, Kind};

/// Names feedback.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackKind;

impl Kind for FeedbackKind {
    const PREFIX: &'static str = "fbk";
}

/// Names a ticket.
#[derive(Debug, Clone, Copy)]
pub struct TicketKind;

impl Kind for TicketKind {
    const PREFIX: &'static str = "tkt";
}

/// Names a message of a ticket's conversation.
#[derive(Debug, Clone, Copy)]
pub struct MessageKind;

impl Kind for MessageKind {
    const PREFIX: &'static str = "msg";
}

/// Names a plan by its content.
#[derive(Debug, Clone, Copy)]
pub struct PlanKind;

impl Kind for PlanKind {
    const PREFIX: &'static str = "pln";
}

/// Identifier of feedback.
pub type FeedbackId = Id<FeedbackKind>;
/// Identifier of a ticket.
pub type TicketId = Id<TicketKind>;
/// Identifier of a message.
pub type MessageId = Id<MessageKind>;
/// Identifier of a plan.
pub type PlanId = Id<PlanKind>;
