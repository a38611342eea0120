//! One message and the steps of its life. Each step says what it needs and leaves the message in
//! a consistent state; the store only writes what comes out.
//!
//! ```text
//! SCHEDULED -> HELD -> CLAIMED -> SENT
//!                        |-> FAILED -> (gates again) -> DEAD
//!                        |-> UNKNOWN -> (gates again)
//! any pending -> DROPPED | CANCELLED
//! ```

use super::decision::{ClassPolicy, Decision, Outcome};
use super::kinds::{Channel, Class, State};
use super::retry::{RetryPolicy, Setback};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One message to one user on one channel.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "documented in notification.proto")]
pub struct Notification {
    pub id: Uuid,
    pub user_id: String,
    pub channel: Channel,
    pub dedupe_key: String,
    pub template: String,
    /// 0 = not chosen yet.
    pub template_version: i32,
    pub topic: String,
    pub class: Class,
    /// Empty = planned by a direct call.
    pub trigger: String,
    pub variables: BTreeMap<String, String>,
    pub state: State,
    pub reason: String,
    pub send_at: DateTime<Utc>,
    /// When it must be looked at next: the one index that drives delivery. For a claimed message
    /// it is the end of the lease.
    pub due_at: Option<DateTime<Utc>>,
    pub expire_at: Option<DateTime<Utc>>,
    /// Who holds the lease; the fencing token of the record that follows the hand-over.
    pub claim: Option<Uuid>,
    /// The moment that counts towards the caps, while it counts.
    pub slot_at: Option<DateTime<Utc>>,
    /// An attempt ended without a record: the user may have the message already.
    pub maybe_sent: bool,
    pub attempts: u32,
    pub last_error: String,
    pub holds: u32,
    pub held_for: String,
    pub decision: Option<Decision>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    /// Trace of the change that it answers (W3C); empty when that was not traced.
    pub traceparent: String,
}

/// What to do with a message whose hand-over ended without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Hand it over again under the same id: at least once.
    Retry,
    /// Set it aside with the dead letters: at most once.
    GiveUp,
}

/// A lease on a message.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// Fencing token.
    pub claim: Uuid,
    /// When others may take it for lost.
    pub until: DateTime<Utc>,
}

impl Notification {
    /// Takes a decision on. A message that passed is claimed under `lease`, sent with `version`
    /// of its template, and holds a slot if its class counts.
    pub fn decided(&mut self, decision: Decision, class: &ClassPolicy, version: i32, lease: Lease) {
        self.updated_at = decision.at;
        match decision.outcome {
            Outcome::Send => {
                self.state = State::Claimed;
                self.reason.clear();
                self.template_version = version;
                self.claim = Some(lease.claim);
                self.due_at = Some(lease.until);
                self.slot_at = class.counts_towards_caps.then_some(decision.at);
            }
            Outcome::Hold(gate, next) => {
                self.state = State::Held;
                gate.reason().clone_into(&mut self.reason);
                self.held_for.clone_from(&self.reason);
                self.holds += 1;
                self.due_at = Some(next);
                self.give_slot_back();
            }
            Outcome::Drop(gate) => {
                self.finish(State::Dropped, decision.at);
                gate.reason().clone_into(&mut self.reason);
                self.give_slot_back();
            }
        }
        self.decision = Some(decision);
    }

    /// The hand-over worked.
    pub fn sent(&mut self, now: DateTime<Utc>) {
        self.attempts += 1;
        self.finish(State::Sent, now);
        self.last_error.clear();
        self.sent_at = Some(now);
    }

    /// The hand-over failed: tried again after a wait, or dead when there is none left.
    pub fn failed(
        &mut self,
        error: &str,
        setback: Setback,
        policy: &RetryPolicy,
        now: DateTime<Utc>,
    ) {
        self.attempts += 1;
        error.clone_into(&mut self.last_error);
        match policy.wait(self.id, self.attempts, setback) {
            Some(wait) => self.retry(State::Failed, now, wait),
            None => self
                .dead(if setback == Setback::Never { "REJECTED" } else { "RETRIES_USED_UP" }, now),
        }
    }

    /// The lease ran out without a record.
    pub fn lost(&mut self, on_unknown: OnUnknown, policy: &RetryPolicy, now: DateTime<Utc>) {
        self.attempts += 1;
        self.maybe_sent = true;
        "the outcome of an attempt is not known".clone_into(&mut self.last_error);
        let wait = policy.wait(self.id, self.attempts, Setback::Later);
        match wait.filter(|_| on_unknown == OnUnknown::Retry) {
            Some(wait) => self.retry(State::Unknown, now, wait),
            None => self.dead("OUTCOME_UNKNOWN", now),
        }
    }

    /// It was claimed and not handed over: whoever looks next begins anew.
    pub fn released(&mut self, now: DateTime<Utc>) {
        self.retry(State::Scheduled, now, TimeDelta::zero());
        self.give_slot_back();
    }

    /// Takes a pending message back; `false` when it is not pending any more.
    pub fn cancel(&mut self, reason: &str, now: DateTime<Utc>) -> bool {
        if !self.state.is_pending() {
            return false;
        }
        self.finish(State::Cancelled, now);
        reason.clone_into(&mut self.reason);
        self.give_slot_back();
        true
    }

    /// Puts a dead letter back in the queue; `false` when it is not dead.
    pub fn replay(&mut self, expire_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        if self.state != State::Dead {
            return false;
        }
        self.state = State::Scheduled;
        self.reason.clear();
        self.attempts = 0;
        self.due_at = Some(now);
        self.expire_at = expire_at.or(self.expire_at);
        self.updated_at = now;
        true
    }

    fn retry(&mut self, state: State, now: DateTime<Utc>, wait: TimeDelta) {
        self.state = state;
        self.claim = None;
        self.due_at = Some(now + wait);
        self.updated_at = now;
    }

    fn dead(&mut self, reason: &str, now: DateTime<Utc>) {
        self.finish(State::Dead, now);
        reason.clone_into(&mut self.reason);
        self.give_slot_back();
    }

    fn finish(&mut self, state: State, now: DateTime<Utc>) {
        self.state = state;
        self.reason.clear();
        self.claim = None;
        self.due_at = None;
        self.updated_at = now;
    }

    /// A message that may have reached the user keeps counting.
    fn give_slot_back(&mut self) {
        if !self.maybe_sent {
            self.slot_at = None;
        }
    }
}

#[cfg(test)]
#[path = "notification_tests.rs"]
pub(crate) mod tests;
