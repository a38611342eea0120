//! A ticket as the sum of what happened to it.
//!
//! The list of [`Event`]s is the truth; state and clocks are a fold over it and can be computed
//! anew at any time ([`Ticket::replay`]). The tables keep the fold only to search by it.

use super::clock::{Clock, End};
use super::kinds::{Author, ClockKind, TicketState, WaitingOn};
use super::policy::Plan;
use super::reapply;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Something that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it took effect.
    pub at: DateTime<Utc>,
    /// What it was.
    pub change: Change,
}

/// What can happen to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It came to be, with these promises. Always the first and only the first.
    Opened(Arc<Plan>),
    /// The customer was told that it was seen.
    Acknowledged(Author),
    /// A public answer was given.
    Answered(Author),
    /// An internal note was written: never counts as an answer.
    Noted(Author),
    /// The customer wrote again.
    Replied,
    /// It waits.
    Suspended(WaitingOn),
    /// It waits no longer.
    Resumed,
    /// It was given to somebody, or taken back.
    Assigned(Option<String>),
    /// It was solved.
    Resolved(Author),
    /// It appeared in the weekly report.
    Reported,
    /// It was closed for good.
    Closed,
    /// Its customer was erased: nobody is left to keep a promise to.
    Withdrawn,
    /// Other promises apply from here on.
    PlanApplied(Arc<Plan>),
    /// The near breach of this clock was told.
    Warned(ClockKind, i32),
    /// The breach of this clock was told; takes effect at the due time.
    Breached(ClockKind, i32),
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Where it stands.
    pub state: TicketState,
    /// The promises in force.
    pub plan: Arc<Plan>,
    /// Every promise made, oldest first.
    pub clocks: Vec<Clock>,
    /// Who has it.
    pub assignee: Option<String>,
    /// How often the customer reopened it.
    pub reopen_count: i32,
    /// Somebody or something acknowledged it.
    pub acknowledged: bool,
    /// When it was solved, while it is.
    pub solved: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed: Option<DateTime<Utc>>,
    /// All that happened, in order.
    pub events: Vec<Event>,
}

impl Ticket {
    /// A new ticket.
    pub fn open(at: DateTime<Utc>, plan: Arc<Plan>) -> Self {
        let clocks = plan.promises.iter();
        let clocks = clocks.map(|p| Clock::start(p.clone(), plan.warn_percent, 1, at)).collect();
        Self {
            state: TicketState::New,
            events: vec![Event { at, change: Change::Opened(plan.clone()) }],
            plan,
            clocks,
            assignee: None,
            reopen_count: 0,
            acknowledged: false,
            solved: None,
            closed: None,
        }
    }

    /// The ticket to which these events lead; `None` when the first is not its opening.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let Event { at, change: Change::Opened(plan) } = events.next()? else {
            return None;
        };
        let mut ticket = Self::open(at, plan);
        for event in events {
            ticket.apply(event);
        }
        Some(ticket)
    }

    /// When it was opened.
    pub fn opened(&self) -> DateTime<Utc> {
        self.events.first().map_or(DateTime::UNIX_EPOCH, |event| event.at)
    }

    /// Lets something happen.
    pub fn apply(&mut self, event: Event) {
        let at = event.at;
        match &event.change {
            // Only ever the first event, and that is `open`.
            Change::Opened(_) => return,
            Change::Noted(_) => {}
            Change::Acknowledged(author) => {
                self.acknowledged = true;
                self.fulfil(&[ClockKind::Acknowledge], *author, at);
                if self.state == TicketState::New && *author != Author::Bot {
                    self.state = TicketState::Open;
                }
            }
            Change::Answered(author) => {
                self.acknowledged = true;
                self.fulfil(&[ClockKind::Acknowledge, ClockKind::Respond], *author, at);
                self.go_on(at);
            }
            Change::Replied => self.customer_replied(at),
            Change::Suspended(on) => self.suspend(*on, at),
            Change::Resumed => self.go_on(at),
            Change::Assigned(assignee) => self.assignee.clone_from(assignee),
            Change::Resolved(author) => self.resolve(*author, at),
            Change::Reported => self.fulfil(&[ClockKind::Report], Author::Bot, at),
            Change::Closed | Change::Withdrawn => {
                self.clocks.iter_mut().for_each(|clock| clock.finish(End::Void(at)));
                self.state = TicketState::Closed;
                self.closed = Some(at);
            }
            Change::PlanApplied(plan) => {
                reapply::reapply(self, plan, at);
                self.plan = plan.clone();
            }
            Change::Warned(kind, instance) => self.mark(*kind, *instance, |c| c.warned = true),
            Change::Breached(kind, instance) => self.mark(*kind, *instance, |c| c.breached = true),
        }
        self.events.push(event);
    }

    /// Every breach at `now` that nobody was told of yet, each with its due time.
    pub fn untold_breaches(&self, now: DateTime<Utc>) -> Vec<Event> {
        let untold = self.clocks.iter().filter(|clock| clock.open() && !clock.breached);
        let overdue = untold.filter_map(|clock| Some((clock, clock.due()?)));
        overdue
            .filter(|(_, due)| *due < now)
            .map(|(c, due)| Event { at: due, change: Change::Breached(c.kind(), c.instance) })
            .collect()
    }

    /// Every near breach at `now` that nobody was told of yet. A promise that is broken already
    /// is not nearly broken: a warning after the breach helps nobody.
    pub fn untold_warnings(&self, now: DateTime<Utc>) -> Vec<Event> {
        let untold = self.clocks.iter().filter(|c| c.open() && !c.breached && !c.warned);
        untold
            .filter(|clock| clock.warn().is_some_and(|warn| warn <= now))
            .filter(|clock| clock.due().is_none_or(|due| now <= due))
            .map(|c| Event { at: now, change: Change::Warned(c.kind(), c.instance) })
            .collect()
    }

    /// The clock of this kind and instance.
    pub fn clock(&self, kind: ClockKind, instance: i32) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind() == kind && clock.instance == instance)
    }

    fn customer_replied(&mut self, at: DateTime<Utc>) {
        match self.state {
            TicketState::PendingUser => self.go_on(at),
            TicketState::Solved => {
                self.go_on(at);
                self.reopen_count += 1;
                self.solved = None;
                self.restart(ClockKind::Resolve, at);
            }
            // On hold the third party is still awaited; a new ticket stays new.
            _ => {}
        }
        self.restart(ClockKind::Respond, at);
    }

    /// Starts the next instance, unless one is running: the oldest open question counts.
    fn restart(&mut self, kind: ClockKind, at: DateTime<Utc>) {
        let running = self.clocks.iter().any(|clock| clock.kind() == kind && clock.open());
        let Some(promise) = self.plan.promise(kind).filter(|_| !running) else {
            return;
        };
        let (promise, instance) = (promise.clone(), self.next_instance(kind));
        self.clocks.push(Clock::start(promise, self.plan.warn_percent, instance, at));
    }

    pub(super) fn next_instance(&self, kind: ClockKind) -> i32 {
        let before = self.clocks.iter().filter(|clock| clock.kind() == kind);
        before.map(|clock| clock.instance).max().unwrap_or(0) + 1
    }

    fn suspend(&mut self, on: WaitingOn, at: DateTime<Utc>) {
        match on {
            WaitingOn::User => {
                self.state = TicketState::PendingUser;
                self.clocks.iter_mut().for_each(|clock| clock.pause(at));
            }
            // The customer waits as well, so the clocks go on.
            WaitingOn::ThirdParty => {
                self.go_on(at);
                self.state = TicketState::OnHold;
            }
        }
    }

    fn go_on(&mut self, at: DateTime<Utc>) {
        self.state = TicketState::Open;
        self.clocks.iter_mut().for_each(|clock| clock.resume(at));
    }

    fn resolve(&mut self, author: Author, at: DateTime<Utc>) {
        self.go_on(at);
        self.acknowledged = true;
        let kept = [ClockKind::Acknowledge, ClockKind::Respond, ClockKind::Resolve];
        self.fulfil(&kept, author, at);
        self.state = TicketState::Solved;
        self.solved = Some(at);
    }

    fn fulfil(&mut self, kinds: &[ClockKind], author: Author, at: DateTime<Utc>) {
        for clock in &mut self.clocks {
            if kinds.contains(&clock.kind()) && clock.promise.by.accepts(author) {
                clock.finish(End::Fulfilled(at));
            }
        }
    }

    fn mark(&mut self, kind: ClockKind, instance: i32, set: impl Fn(&mut Clock)) {
        let clock = self.clocks.iter_mut().find(|c| c.kind() == kind && c.instance == instance);
        if let Some(clock) = clock {
            set(clock);
        }
    }
}

#[cfg(test)]
#[path = "ticket_tests.rs"]
mod tests;
