//! Steps of a message's life and what each must leave behind.

use super::*;
use crate::domain::decision::{Gate, OnStop};
use crate::domain::zone::ZoneSource;
use chrono::TimeZone;

/// A planned message to build tests on.
pub(crate) fn message(now: DateTime<Utc>) -> Notification {
    Notification {
        id: Uuid::from_u128(42),
        user_id: "u1".to_owned(),
        channel: Channel::Email,
        dedupe_key: "k".to_owned(),
        template: "welcome".to_owned(),
        template_version: 0,
        topic: "onboarding".to_owned(),
        class: Class::Marketing,
        trigger: String::new(),
        variables: BTreeMap::new(),
        state: State::Scheduled,
        reason: String::new(),
        send_at: now,
        due_at: Some(now),
        expire_at: None,
        claim: None,
        slot_at: None,
        maybe_sent: false,
        attempts: 0,
        last_error: String::new(),
        holds: 0,
        held_for: String::new(),
        decision: None,
        created_at: now,
        updated_at: now,
        sent_at: None,
        read_at: None,
        traceparent: String::new(),
    }
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap()
}

const COUNTS: ClassPolicy = ClassPolicy {
    obeys_caps: true,
    counts_towards_caps: true,
    obeys_quiet_hours: true,
    on_cap: OnStop::Hold,
    on_quiet_hours: OnStop::Hold,
};

fn decision(outcome: Outcome) -> Decision {
    Decision {
        at: noon(),
        outcome,
        gates: Vec::new(),
        zone: "UTC".to_owned(),
        zone_source: ZoneSource::Default,
        local_time: String::new(),
        tzdb: String::new(),
    }
}

fn claimed() -> Notification {
    let mut message = message(noon());
    let lease = Lease { claim: Uuid::nil(), until: noon() + TimeDelta::minutes(10) };
    message.decided(decision(Outcome::Send), &COUNTS, 3, lease);
    message
}

#[test]
fn a_claim_takes_a_slot_and_a_lease() {
    let message = claimed();
    assert_eq!(message.state, State::Claimed);
    assert_eq!(message.template_version, 3);
    assert_eq!(message.slot_at, Some(noon()));
    assert_eq!(message.due_at, Some(noon() + TimeDelta::minutes(10)));
}

#[test]
fn a_permanent_failure_gives_the_slot_back() {
    let mut message = claimed();
    message.failed("550 no such user", Setback::Never, &RetryPolicy::default(), noon());
    assert_eq!((message.state, message.reason.as_str()), (State::Dead, "REJECTED"));
    assert_eq!((message.slot_at, message.due_at, message.claim), (None, None, None));
}

#[test]
fn a_passing_failure_keeps_the_slot_until_the_last_attempt() {
    let mut message = claimed();
    for _ in 0..7 {
        message.failed("421 later", Setback::Later, &RetryPolicy::default(), noon());
        assert_eq!(message.state, State::Failed);
        assert!(message.due_at.unwrap() > noon() && message.slot_at.is_some());
    }
    message.failed("421 later", Setback::Later, &RetryPolicy::default(), noon());
    assert_eq!((message.state, message.attempts), (State::Dead, 8));
    assert_eq!(message.reason, "RETRIES_USED_UP");
    assert_eq!(message.slot_at, None);
}

#[test]
fn an_unknown_outcome_keeps_the_slot_for_good() {
    let mut message = claimed();
    message.lost(OnUnknown::Retry, &RetryPolicy::default(), noon());
    assert_eq!(message.state, State::Unknown);
    message.decided(
        decision(Outcome::Drop(Gate::Expired)),
        &COUNTS,
        3,
        Lease { claim: Uuid::nil(), until: noon() },
    );
    assert_eq!(message.state, State::Dropped);
    assert!(message.slot_at.is_some(), "the user may have it");
    let mut message = claimed();
    message.lost(OnUnknown::GiveUp, &RetryPolicy::default(), noon());
    assert_eq!((message.state, message.reason.as_str()), (State::Dead, "OUTCOME_UNKNOWN"));
}

#[test]
fn only_pending_messages_are_cancelled_and_only_dead_ones_replayed() {
    let mut message = claimed();
    assert!(!message.cancel("CANCELLED", noon()));
    message.sent(noon());
    assert!(!message.cancel("CANCELLED", noon()) && !message.replay(None, noon()));
    let mut message = self::message(noon());
    assert!(message.cancel("CANCELLED", noon()) && message.state.is_final());
    let mut message = claimed();
    message.failed("no", Setback::Never, &RetryPolicy::default(), noon());
    assert!(message.replay(None, noon()));
    assert_eq!((message.state, message.attempts), (State::Scheduled, 0));
}
