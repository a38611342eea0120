//! Other promises for a ticket that is under way, as when its customer becomes a paying one.
//!
//! The new promises count from the same start and with the same pauses as the old ones: they are
//! what a replay of the ticket's history under the new plan gives. What is settled stays judged
//! as it was (Zendesk's `apply_sla`; recomputing from the moment of the change would reward
//! whoever waited).

use super::clock::{Clock, End};
use super::kinds::PromiseState;
use super::policy::Plan;
use super::ticket::{Change, Event, Ticket};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Replaces the open clocks of a ticket by those of `plan`, at the instant `at`.
pub(super) fn reapply(ticket: &mut Ticket, plan: &Arc<Plan>, at: DateTime<Utc>) {
    let fresh = under(ticket, plan);
    for clock in ticket.clocks.iter_mut().filter(|clock| clock.open()) {
        replace(clock, plan, &fresh, at);
    }
    // Promises that the old plan did not make, where the new one finds something still owed.
    for mut clock in fresh.into_iter().filter(Clock::open) {
        if ticket.plan.promise(clock.kind()).is_none() {
            clock.instance = ticket.next_instance(clock.kind());
            ticket.clocks.push(clock);
        }
    }
}

/// The clocks that the same history gives under another plan.
fn under(ticket: &Ticket, plan: &Arc<Plan>) -> Vec<Clock> {
    let mut copy = Ticket::open(ticket.opened(), plan.clone());
    for event in ticket.events.iter().skip(1) {
        let judged = matches!(
            event.change,
            Change::PlanApplied(_) | Change::Warned(..) | Change::Breached(..)
        );
        if !judged {
            copy.apply(Event::clone(event));
        }
    }
    copy.clocks
}

/// The new promise in the place of the old one, or nothing owed any more. What was told stays
/// told, unless the new promise makes it untrue.
fn replace(clock: &mut Clock, plan: &Plan, fresh: &[Clock], at: DateTime<Utc>) {
    let Some(promise) = plan.promise(clock.kind()) else {
        return clock.finish(End::Void(at));
    };
    let same = |new: &&Clock| new.kind() == clock.kind() && new.start == clock.start;
    if let Some(new) = fresh.iter().find(same) {
        // Taken with its pauses, and its end: the new plan may accept an answer given before.
        clock.pauses.clone_from(&new.pauses);
        clock.end = new.end;
    }
    clock.promise = promise.clone();
    clock.warn_percent = plan.warn_percent;
    clock.breached &= clock.state(at) == PromiseState::Breached;
    clock.warned &= clock.warn().is_some_and(|warn| warn <= at);
}
