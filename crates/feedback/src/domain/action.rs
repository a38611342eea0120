//! What may be done to a ticket in which state, and what then happens.
//!
//! NEW -> OPEN -> PENDING_USER or ON_HOLD -> SOLVED -> CLOSED; NEW never comes back, CLOSED never
//! changes.

use super::kinds::{Author, ClockKind, Satisfier, TicketState, WaitingOn};
use super::ticket::{Change, Ticket};

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Tell the customer that it was seen.
    Acknowledge(Author),
    /// Give a public answer, and wait after it or not.
    Answer(Author, Option<WaitingOn>),
    /// Write an internal note.
    Note(Author),
    /// The customer writes.
    Reply,
    /// Wait.
    Suspend(WaitingOn),
    /// Stop waiting.
    Resume,
    /// Solve it.
    Resolve(Author),
    /// Close it.
    Close,
    /// Give it to somebody, or take it back.
    Assign(Option<String>),
}

/// Why it may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A closed ticket never changes.
    Closed,
    /// It is solved; only the customer opens it again.
    Solved,
    /// Only a solved ticket can be closed.
    NotSolved,
    /// Taken up already.
    NotNew,
    /// Acknowledged by a program already.
    Acknowledged,
    /// Nobody has taken it up yet.
    New,
    /// It waits for nothing.
    NotWaiting,
    /// This promise needs somebody else's deed first.
    AnswerOwed(ClockKind, Satisfier),
}

/// What happens when `action` is taken now, or why it may not be.
pub fn decide(ticket: &Ticket, action: Action) -> Result<Vec<Change>, Refusal> {
    use TicketState as State;
    match (action, ticket.state) {
        (_, State::Closed) => Err(Refusal::Closed),
        (Action::Note(author), _) => Ok(vec![Change::Noted(author)]),
        (Action::Assign(assignee), _) => Ok(vec![Change::Assigned(assignee)]),
        (Action::Reply, _) => Ok(vec![Change::Replied]),
        (Action::Close, State::Solved) => Ok(vec![Change::Closed]),
        (Action::Close, _) => Err(Refusal::NotSolved),
        (Action::Acknowledge(author), State::New) => {
            if author == Author::Bot && ticket.acknowledged {
                return Err(Refusal::Acknowledged);
            }
            Ok(vec![Change::Acknowledged(author)])
        }
        (Action::Acknowledge(_), _) => Err(Refusal::NotNew),
        (_, State::Solved) => Err(Refusal::Solved),
        (Action::Answer(author, waiting_on), _) => {
            let wait = waiting_on.map(Change::Suspended);
            Ok(std::iter::once(Change::Answered(author)).chain(wait).collect())
        }
        (Action::Suspend(_), State::New) => Err(Refusal::New),
        (Action::Suspend(on), _) => Ok(vec![Change::Suspended(on)]),
        (Action::Resume, State::PendingUser | State::OnHold) => Ok(vec![Change::Resumed]),
        (Action::Resume, _) => Err(Refusal::NotWaiting),
        (Action::Resolve(author), _) => match owed(ticket, author) {
            Some((clock, by)) => Err(Refusal::AnswerOwed(clock, by)),
            None => Ok(vec![Change::Resolved(author)]),
        },
    }
}

/// A promise to the customer that this author's solution would leave open.
fn owed(ticket: &Ticket, author: Author) -> Option<(ClockKind, Satisfier)> {
    let mut open = ticket.clocks.iter().filter(|clock| clock.open());
    open.find(|clock| clock.kind() != ClockKind::Report && !clock.promise.by.accepts(author))
        .map(|clock| (clock.kind(), clock.promise.by))
}

/// What happens when the weekly report has told of the ticket: nothing more is to be done for
/// it, unless the customer was promised an answer.
pub fn report(ticket: &Ticket) -> Vec<Change> {
    if ticket.state == TicketState::Closed {
        return Vec::new();
    }
    let mut changes = vec![Change::Reported];
    if ticket.state != TicketState::Solved && owed(ticket, Author::Bot).is_none() {
        changes.push(Change::Resolved(Author::Bot));
    }
    changes
}
