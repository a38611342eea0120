//! Refusals by rule as errors with the stable reasons of the contract.

use crate::domain::{HoldState, Refusal};
use perennial_platform::{Code, Error};

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::MemberNotFound => Self::not_found("MEMBER_NOT_FOUND", text),
            Refusal::ReceiverNotFound => Self::not_found("RECEIVER_NOT_FOUND", text),
            Refusal::ReceiverClosed => Self::precondition("RECEIVER_CLOSED", text),
            Refusal::NotPending => Self::precondition("NOT_PENDING", text),
            Refusal::ExceedsPending { pending } => {
                Self::precondition("EXCEEDS_PENDING", text).with("pending", pending)
            }
            Refusal::MemberClosed => Self::precondition("MEMBER_CLOSED", text),
            Refusal::Insufficient { spendable } => {
                Self::precondition("INSUFFICIENT_POINTS", text).with("spendable", spendable)
            }
            Refusal::BalanceLimit { limit } => {
                Self::new(Code::OutOfRange, "BALANCE_LIMIT", text).with("limit", limit)
            }
            Refusal::ExpiryPassed => Self::invalid("expire_time", "does not lie in the future"),
            Refusal::HoldNotFound => Self::not_found("HOLD_NOT_FOUND", text),
            Refusal::ExceedsHold { held } => {
                Self::precondition("EXCEEDS_HOLD", text).with("held", held)
            }
            Refusal::HoldResolved { state } => Self::precondition(resolved(state), text),
            Refusal::EntryNotFound => Self::not_found("ENTRY_NOT_FOUND", text),
            Refusal::NotReversible { .. } => Self::precondition("NOT_REVERSIBLE", text),
            Refusal::ExceedsOriginal { reversible } => {
                Self::precondition("EXCEEDS_ORIGINAL", text).with("reversible", reversible)
            }
            Refusal::NothingToReverse => Self::precondition("NOTHING_TO_REVERSE", text),
            Refusal::SourceEventReused { field } => {
                Self::already_exists("SOURCE_EVENT_REUSED", text).with("field", field)
            }
        }
    }
}

fn resolved(state: HoldState) -> &'static str {
    match state {
        HoldState::Captured => "HOLD_CAPTURED",
        HoldState::TimedOut => "HOLD_TIMED_OUT",
        HoldState::Voided | HoldState::Open => "HOLD_VOIDED",
    }
}
