//! Random lives against a slow, obvious model: time is counted in hours, one after the other.

use super::*;
use crate::domain::plan::{ChargeState, State};
use crate::domain::reward::Span;
use chrono::TimeDelta;
use proptest::prelude::*;

/// What happens, in order.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes; the job runs at the end of it or does not.
    Wait {
        hours: i64,
        job: bool,
    },
    Pay,
    Fail,
    Give {
        plan: usize,
        days: u32,
    },
    TakeBack,
    Cancel,
    Undo,
    Pause,
    Resume,
    Change {
        plan: usize,
    },
}

const PLANS: [&str; 3] = ["basic", "advanced", "premium"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1_i64..24 * 20, any::<bool>()).prop_map(|(hours, job)| Step::Wait { hours, job }),
        6 => Just(Step::Pay),
        2 => Just(Step::Fail),
        2 => (0_usize..3, 1_u32..20).prop_map(|(plan, days)| Step::Give { plan, days }),
        1 => Just(Step::TakeBack),
        1 => Just(Step::Cancel),
        2 => Just(Step::Undo),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => (0_usize..3).prop_map(|plan| Step::Change { plan }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the member is owed: hours of access that were paid for, and hours that were used.
#[derive(Debug, Default)]
struct Model {
    /// Hours that were paid for.
    bought: i64,
    /// Hours in which there was access.
    used: i64,
}

fn hours(delta: TimeDelta) -> i64 {
    delta.num_hours()
}

/// Runs a life hour by hour, and checks in every hour that no promise is broken.
fn live(steps: &[Step], first: Time) -> Result<(Membership, Model), TestCaseError> {
    let programme = shipped();
    let mut it = paid(&programme, "basic", Period::Monthly, first);
    let mut model = Model { bought: hours(it.end() - first), used: 0 };
    let (mut now, mut grants) = (first, 0);
    for step in steps {
        it.advance(&programme, now);
        if it.ended.is_some() {
            break;
        }
        match step {
            Step::Wait { hours: n, job: runs } => {
                for _ in 0..*n {
                    // Access that stands for this hour stays for all of it.
                    let stands = it.line.at(now).is_some() && it.pause.is_none();
                    let open = it.access(&programme, now).is_some();
                    prop_assert!(!stands || open, "cut at {now}: {it:?}");
                    model.used += i64::from(open);
                    now += TimeDelta::hours(1);
                    it.advance(&programme, now);
                }
                if *runs {
                    job(&mut it, &programme, now);
                }
            }
            Step::Pay => {
                let end = it.end().max(now);
                let due = it.charge.clone().filter(|charge| charge.is_due(now));
                let done = it.pay(&programme, now, "money");
                prop_assert_eq!(done.is_ok(), due.is_some());
                if let Some(due) = due {
                    let collected = it.news.closed.last().cloned().unwrap();
                    prop_assert_eq!(collected.amount, due.amount);
                    let (from, until) = collected.covers.unwrap();
                    prop_assert!(from >= end.min(due.due_at), "paid for twice");
                    model.bought += hours(until - from);
                }
            }
            Step::Fail => drop(it.fail(&programme, now, "declined")),
            Step::Give { plan, days } => {
                let before = it.end();
                grants += 1;
                let span = Span { months: 0, days: *days };
                it.give(&programme, now, PLANS[*plan], span, &format!("grant{grants}"));
                prop_assert!(it.end() > before, "a gift that gave nothing");
            }
            Step::TakeBack => it.take_back(&programme, now, &format!("grant{grants}")),
            Step::Cancel => drop(it.cancel(&programme, now, false)),
            Step::Undo => {
                if it.undo_cancel(&programme, now).is_ok() {
                    it.announce(&programme, now, true, false);
                }
            }
            Step::Pause => drop(it.set_aside(&programme, now)),
            Step::Resume => {
                if it.resume(&programme, now).is_ok() {
                    it.announce(&programme, now, true, false);
                }
            }
            Step::Change { plan } => {
                if it.change(&programme, now, PLANS[*plan], Period::Monthly).is_ok() {
                    it.announce(&programme, now, true, false);
                }
            }
        }
    }
    // Let everything run out unpaid.
    it.advance(&programme, now);
    while it.ended.is_none() {
        model.used += i64::from(it.access(&programme, now).is_some());
        now += TimeDelta::hours(1);
        job(&mut it, &programme, now);
    }
    Ok((it, model))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nobody has less access than was paid and given, whatever happens and whenever jobs run; and
    /// every charge paid for exactly the time that is on the line.
    #[test]
    fn what_was_paid_is_never_cut(steps in steps()) {
        let (it, model) = live(&steps, at("2026-01-31T10:00:00Z"))?;
        prop_assert_eq!(it.state, State::Expired);
        prop_assert!(model.used >= model.bought, "{model:?} {it:?}");
        for charge in &it.news.closed {
            let there = it.line.length_of(&charge.id.to_string());
            if let Some((from, until)) = charge.covers { prop_assert_eq!(there, until - from) } else { prop_assert_eq!(charge.state, ChargeState::Void) }
        }
        for two in it.line.stretches().windows(2) {
            prop_assert!(two[0].until <= two[1].from);
        }
        // Nothing was collected without a notice, or before the notice let it be.
        for charge in it.news.closed.iter().filter(|charge| charge.paid_at.is_some()) {
            prop_assert!(charge.noticed_at <= charge.due_at);
            prop_assert!(charge.paid_at >= Some(charge.due_at));
        }
    }

    /// A read in memory sees what the jobs will write down: advancing in one step or in many is the
    /// same.
    #[test]
    fn one_step_equals_many(hours in prop::collection::vec(1_i64..400, 1..10), days in 0_u32..40) {
        let programme = shipped();
        let now = at("2026-01-31T10:00:00Z");
        let mut many = paid(&programme, "basic", Period::Monthly, now);
        many.give(&programme, now, "premium", Span { months: 0, days: days + 1 }, "grant");
        if days % 2 == 0 {
            many.set_aside(&programme, now).unwrap();
        }
        if days % 3 == 0 {
            many.cancel(&programme, now, false).unwrap();
        }
        let mut one = many.clone();
        let mut then = now;
        for step in hours {
            then += TimeDelta::hours(step);
            many.advance(&programme, then);
        }
        one.advance(&programme, then);
        prop_assert_eq!(one, many);
    }
}
