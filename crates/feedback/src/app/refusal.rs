//! The rules' refusals as errors of the contract.

use crate::domain::action::Refusal;
use crate::domain::interview;
use crate::domain::kinds::{ClockKind, Satisfier};
use crate::ids::TicketId;
use chrono::SecondsFormat;
use perennial_platform::error::Error;

/// Nothing is taken in of somebody who was erased.
pub(super) fn erased() -> Error {
    Error::precondition("USER_ERASED", "the user was erased and has not registered again")
}

/// Why a ticket does not take an action.
pub(super) fn action(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Closed => Error::precondition(
            "TICKET_CLOSED",
            "the ticket is closed for good; a reply of the customer opens a follow-up",
        ),
        Refusal::Solved => Error::precondition(
            "TICKET_SOLVED",
            "the ticket is solved; it opens again when the customer replies",
        ),
        Refusal::NotSolved => {
            Error::precondition("TICKET_NOT_SOLVED", "only a solved ticket can be closed")
        }
        Refusal::NotNew => {
            Error::precondition("TICKET_NOT_NEW", "the ticket has been taken up already")
        }
        Refusal::Acknowledged => {
            Error::precondition("ALREADY_ACKNOWLEDGED", "the ticket is acknowledged already")
        }
        Refusal::New => Error::precondition(
            "TICKET_NEW",
            "nobody has taken the ticket up yet: acknowledge or answer it first",
        ),
        Refusal::NotWaiting => {
            Error::precondition("TICKET_NOT_WAITING", "the ticket waits for nothing")
        }
        Refusal::AnswerOwed(clock, by) => Error::precondition(
            "ANSWER_OWED",
            "the customer was promised an answer that this author cannot give",
        )
        .with("clock", clock_name(clock))
        .with("satisfier", satisfier_name(by)),
    }
}

/// Why an interview cannot be booked.
pub(super) fn booking(refusal: interview::Refusal) -> Error {
    match refusal {
        interview::Refusal::TooSoon(earliest) => {
            Error::precondition("INTERVIEW_TOO_SOON", "interviews are booked three days ahead")
                .with("earliest", earliest.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        interview::Refusal::Slot(slot) => {
            Error::precondition("INTERVIEW_SLOT", "every interview has the same length")
                .with("seconds", slot.num_seconds())
        }
    }
}

/// No such ticket.
pub(super) fn no_ticket(id: TicketId) -> Error {
    Error::not_found("TICKET_NOT_FOUND", format!("there is no ticket {id}"))
}

fn clock_name(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::Acknowledge => "ACKNOWLEDGE",
        ClockKind::Respond => "RESPOND",
        ClockKind::Resolve => "RESOLVE",
        ClockKind::Report => "REPORT",
    }
}

fn satisfier_name(by: Satisfier) -> &'static str {
    match by {
        Satisfier::Any => "ANY",
        Satisfier::Human => "HUMAN",
        Satisfier::Official => "OFFICIAL",
    }
}
