//! The gates one by one, their order, and laws over random circumstances.

use super::*;
use crate::domain::caps::{Calendar, Window};
use crate::domain::notification::tests::message;
use chrono::TimeZone;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

fn policy() -> Policy {
    let marketing = ClassPolicy {
        obeys_caps: true,
        counts_towards_caps: true,
        obeys_quiet_hours: true,
        on_cap: OnStop::Hold,
        on_quiet_hours: OnStop::Hold,
    };
    Policy {
        transactional: ClassPolicy {
            obeys_caps: false,
            counts_towards_caps: false,
            obeys_quiet_hours: false,
            ..marketing
        },
        marketing,
        caps: vec![CapRule {
            name: "day".to_owned(),
            channel: None,
            topic: None,
            each_topic: false,
            max: 2,
            max_with_complaint: 1,
            window: Window::CalendarLocal(Calendar::Day),
        }],
        release_spread: TimeDelta::seconds(900),
    }
}

fn user() -> Circumstances {
    Circumstances {
        erased: false,
        choices: Vec::new(),
        reachable: Reachable { email: true, webhook: true },
        complaint_open: false,
        slots: Vec::new(),
        zone: (Tz::Asia__Shanghai, ZoneSource::Profile),
        quiet: Some(QuietHours::parse("22:00", "08:00").unwrap()),
    }
}

fn slots(n: usize, at: DateTime<Utc>) -> Vec<Slot> {
    vec![Slot { channel: Channel::Inbox, topic: "x".to_owned(), at }; n]
}

const NOON: &str = "2026-05-01T12:00:00+08:00";
const NIGHT: &str = "2026-05-01T23:00:00+08:00";

#[test]
fn a_free_moment_passes_all_seven_gates() {
    let decision = decide(&message(at(NOON)), &user(), &policy(), at(NOON));
    assert_eq!(decision.outcome, Outcome::Send);
    assert_eq!(decision.gates.len(), 7);
    assert!(decision.gates.iter().all(|g| g.verdict == Verdict::Pass));
    assert_eq!(decision.local_time, "2026-05-01T12:00:00+08:00");
    assert_eq!(decision.zone, "Asia/Shanghai");
}

#[test]
fn hard_gates_drop_in_order() {
    let now = at(NIGHT);
    let mut message = message(now);
    let mut user = user();
    user.reachable.email = false;
    let outcome = |m: &Notification, u: &Circumstances| decide(m, u, &policy(), now).outcome;
    assert_eq!(outcome(&message, &user), Outcome::Drop(Gate::Address));
    user.choices = vec![Choice { topic: String::new(), channel: None, opted_in: false }];
    assert_eq!(outcome(&message, &user), Outcome::Drop(Gate::OptedOut));
    message.class = Class::Transactional;
    assert_eq!(outcome(&message, &user), Outcome::Drop(Gate::OptedOut), "an opt-out has no bypass");
    message.expire_at = Some(now);
    assert_eq!(outcome(&message, &user), Outcome::Drop(Gate::Expired));
    user.erased = true;
    assert_eq!(outcome(&message, &user), Outcome::Drop(Gate::Eligible));
}

#[test]
fn the_night_holds_to_its_end_plus_a_share_of_the_spread() {
    let decision = decide(&message(at(NIGHT)), &user(), &policy(), at(NIGHT));
    let Outcome::Hold(Gate::QuietHours, next) = decision.outcome else { panic!("{decision:?}") };
    let end = at("2026-05-02T08:00:00+08:00");
    assert!(next >= end && next < end + TimeDelta::seconds(900));
}

#[test]
fn a_full_cap_holds_past_the_night_that_follows_it() {
    let user = Circumstances { slots: slots(2, at("2026-05-01T09:00:00+08:00")), ..user() };
    let decision = decide(&message(at(NOON)), &user, &policy(), at(NOON));
    let Outcome::Hold(Gate::Cap, next) = decision.outcome else { panic!("{decision:?}") };
    // The day's cap opens at midnight, the night ends at eight.
    assert!(next >= at("2026-05-02T08:00:00+08:00"));
    assert_eq!(decision.gates.last().map(|g| g.gate), Some(Gate::Cap), "later gates are not asked");
}

#[test]
fn an_open_complaint_tightens_the_cap() {
    let mut user = Circumstances { slots: slots(1, at(NOON)), ..user() };
    assert_eq!(decide(&message(at(NOON)), &user, &policy(), at(NOON)).outcome, Outcome::Send);
    user.complaint_open = true;
    let decision = decide(&message(at(NOON)), &user, &policy(), at(NOON));
    assert!(matches!(decision.outcome, Outcome::Hold(Gate::Cap, _)));
    assert!(decision.gates.last().unwrap().caps[0].tightened);
}

#[test]
fn transactional_messages_pass_and_the_bypass_is_recorded() {
    let user = Circumstances { slots: slots(5, at(NIGHT)), ..user() };
    let message = Notification { class: Class::Transactional, ..message(at(NIGHT)) };
    let decision = decide(&message, &user, &policy(), at(NIGHT));
    assert_eq!(decision.outcome, Outcome::Send);
    let bypassed: Vec<Gate> =
        decision.gates.iter().filter(|g| g.verdict == Verdict::Bypass).map(|g| g.gate).collect();
    assert_eq!(bypassed, [Gate::Cap, Gate::QuietHours]);
}

#[test]
fn what_would_come_too_late_is_dropped_for_the_gate_that_held_it() {
    let mut message = message(at(NIGHT));
    message.expire_at = Some(at("2026-05-02T06:00:00+08:00"));
    let outcome = decide(&message, &user(), &policy(), at(NIGHT)).outcome;
    assert_eq!(outcome, Outcome::Drop(Gate::QuietHours));
    let mut drops = policy();
    drops.marketing.on_quiet_hours = OnStop::Drop;
    message.expire_at = None;
    assert_eq!(
        decide(&message, &user(), &drops, at(NIGHT)).outcome,
        Outcome::Drop(Gate::QuietHours)
    );
}

#[test]
fn a_recorded_decision_reads_back_the_same() {
    let user = Circumstances { slots: slots(2, at(NOON)), ..user() };
    let decision = decide(&message(at(NOON)), &user, &policy(), at(NOON));
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
}

proptest! {
    /// Whatever the zone, the hour and the slots: nothing is sent in quiet time or over a cap,
    /// a hold lies ahead, and it ends: following the next times leads to a send.
    #[test]
    fn every_hold_ends_and_every_send_is_allowed(
        zone in 0usize..600, hour in 0i64..30_000, taken in 0usize..5, id in any::<u128>()
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
        let mut now = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap() + TimeDelta::hours(hour);
        let user = Circumstances {
            zone: (zone, ZoneSource::Profile), slots: slots(taken, now), ..user()
        };
        let message = Notification { id: uuid::Uuid::from_u128(id), ..message(now) };
        for round in 0.. {
            prop_assert!(round < 4, "held again and again");
            match decide(&message, &user, &policy(), now).outcome {
                Outcome::Send => break,
                Outcome::Hold(_, next) => {
                    prop_assert!(next > now);
                    now = next;
                }
                Outcome::Drop(gate) => prop_assert!(false, "dropped by {gate:?}"),
            }
        }
        prop_assert_eq!(user.quiet.unwrap().release(zone, now), None);
    }
}
