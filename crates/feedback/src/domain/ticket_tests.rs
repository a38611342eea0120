//! Histories and what they lead to.

use super::super::action::{Action, Refusal, decide, report};
use super::super::kinds::{Category, Channel, Coded, PromiseState};
use super::*;
use crate::config::Config;
use chrono::{TimeDelta, TimeZone};
use proptest::prelude::*;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 8, 0, 0).unwrap()
}

fn minute(m: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(m)
}

fn plan(channel: Channel, category: Category, paying: bool) -> Arc<Plan> {
    Arc::new(Config::default().policy().plan(channel, category, paying))
}

fn ticket(channel: Channel) -> Ticket {
    Ticket::open(start(), plan(channel, Category::Other, false))
}

/// Takes an action at minute `m`, as the service does.
fn act(ticket: &mut Ticket, m: i64, action: Action) -> Result<(), Refusal> {
    let changes = decide(ticket, action)?;
    for change in changes {
        ticket.apply(Event { at: minute(m), change });
    }
    Ok(())
}

fn state(ticket: &Ticket, kind: ClockKind, instance: i32, m: i64) -> PromiseState {
    ticket.clock(kind, instance).unwrap().state(minute(m))
}

#[test]
fn a_chat_is_answered_by_a_human_within_15_minutes() {
    let mut chat = ticket(Channel::Chat);
    act(&mut chat, 1, Action::Answer(Author::Bot, None)).unwrap();
    assert_eq!(state(&chat, ClockKind::Respond, 1, 15), PromiseState::Running);
    assert_eq!(state(&chat, ClockKind::Respond, 1, 16), PromiseState::Breached);
    act(&mut chat, 14, Action::Note(Author::Human)).unwrap();
    assert!(chat.clock(ClockKind::Respond, 1).unwrap().open());
    act(&mut chat, 15, Action::Answer(Author::Human, None)).unwrap();
    assert_eq!(state(&chat, ClockKind::Respond, 1, 99), PromiseState::Kept);
}

#[test]
fn a_community_post_needs_an_official() {
    let mut post = ticket(Channel::Community);
    act(&mut post, 5, Action::Answer(Author::Human, None)).unwrap();
    assert_eq!(state(&post, ClockKind::Respond, 1, 121), PromiseState::Breached);
    act(&mut post, 120, Action::Answer(Author::Official, None)).unwrap();
    assert_eq!(state(&post, ClockKind::Respond, 1, 121), PromiseState::Kept);
}

#[test]
fn the_next_answer_counts_from_the_oldest_open_question() {
    let mut chat = ticket(Channel::Chat);
    act(&mut chat, 5, Action::Answer(Author::Human, None)).unwrap();
    act(&mut chat, 60, Action::Reply).unwrap();
    act(&mut chat, 70, Action::Reply).unwrap();
    assert_eq!(chat.clock(ClockKind::Respond, 2).unwrap().due(), Some(minute(75)));
    assert!(chat.clock(ClockKind::Respond, 3).is_none());
}

#[test]
fn waiting_for_the_customer_stops_the_solution_but_not_on_hold() {
    let mut complaint = Ticket::open(start(), plan(Channel::Form, Category::Complaint, false));
    let day = 24 * 60;
    let answer = Action::Answer(Author::Human, Some(WaitingOn::User));
    act(&mut complaint, 60, answer).unwrap();
    assert_eq!(complaint.state, TicketState::PendingUser);
    assert_eq!(complaint.clock(ClockKind::Resolve, 1).unwrap().due(), None);
    act(&mut complaint, 60 + day, Action::Reply).unwrap();
    assert_eq!(complaint.state, TicketState::Open);
    assert_eq!(complaint.clock(ClockKind::Resolve, 1).unwrap().due(), Some(minute(2 * day)));
    act(&mut complaint, 61 + day, Action::Suspend(WaitingOn::ThirdParty)).unwrap();
    assert_eq!(complaint.clock(ClockKind::Resolve, 1).unwrap().due(), Some(minute(2 * day)));
}

#[test]
fn a_reopened_complaint_is_promised_anew() {
    let mut complaint = Ticket::open(start(), plan(Channel::Form, Category::Complaint, false));
    act(&mut complaint, 10, Action::Resolve(Author::Human)).unwrap();
    assert_eq!(state(&complaint, ClockKind::Resolve, 1, 10), PromiseState::Kept);
    act(&mut complaint, 100, Action::Reply).unwrap();
    assert_eq!((complaint.state, complaint.reopen_count), (TicketState::Open, 1));
    let again = complaint.clock(ClockKind::Resolve, 2).unwrap();
    assert_eq!(again.due(), Some(minute(100 + 24 * 60)));
}

#[test]
fn a_customer_who_becomes_paying_gets_the_tighter_promise_from_the_same_start() {
    let mut form = ticket(Channel::Form);
    let paying = plan(Channel::Form, Category::Other, true);
    form.apply(Event { at: minute(5), change: Change::PlanApplied(paying) });
    let respond = form.clock(ClockKind::Respond, 1).unwrap();
    assert_eq!((respond.start, respond.due()), (start(), Some(minute(15))));
    assert_eq!(form.plan.tier(), 1);
}

#[test]
fn a_plan_that_accepts_an_earlier_answer_is_kept_by_it() {
    let mut post = ticket(Channel::Community);
    act(&mut post, 10, Action::Answer(Author::Human, None)).unwrap();
    let paying = plan(Channel::Community, Category::Other, true);
    post.apply(Event { at: minute(90), change: Change::PlanApplied(paying) });
    assert_eq!(state(&post, ClockKind::Respond, 1, 90), PromiseState::Kept);
}

#[test]
fn a_looser_plan_takes_back_a_breach_that_is_none_any_more() {
    let mut chat = ticket(Channel::Chat);
    for breach in chat.untold_breaches(minute(20)) {
        chat.apply(breach);
    }
    assert!(chat.untold_breaches(minute(20)).is_empty());
    let form = plan(Channel::Form, Category::Other, false);
    chat.apply(Event { at: minute(20), change: Change::PlanApplied(form) });
    assert!(!chat.clock(ClockKind::Respond, 1).unwrap().breached);
    assert!(chat.untold_breaches(minute(20)).is_empty());
}

#[test]
fn tells_each_warning_and_breach_once() {
    let mut chat = ticket(Channel::Chat);
    assert!(chat.untold_warnings(minute(11)).is_empty());
    let warnings = chat.untold_warnings(minute(12));
    assert_eq!(warnings[0].change, Change::Warned(ClockKind::Respond, 1));
    chat.apply(warnings[0].clone());
    assert!(chat.untold_warnings(minute(13)).is_empty());
    assert!(chat.untold_breaches(minute(15)).is_empty());
    let breaches = chat.untold_breaches(minute(40));
    assert_eq!(breaches[0].at, minute(15), "told with its due time, not with the time of the look");
    chat.apply(breaches[0].clone());
    assert!(chat.untold_breaches(minute(50)).is_empty());
    assert!(ticket(Channel::Chat).untold_warnings(minute(16)).is_empty(), "too late to warn");
}

#[test]
fn refuses_what_the_state_does_not_allow() {
    let mut chat = ticket(Channel::Chat);
    let human = Author::Human;
    assert_eq!(act(&mut chat, 1, Action::Suspend(WaitingOn::User)), Err(Refusal::New));
    assert_eq!(act(&mut chat, 1, Action::Resume), Err(Refusal::NotWaiting));
    assert_eq!(act(&mut chat, 1, Action::Close), Err(Refusal::NotSolved));
    let owed = Refusal::AnswerOwed(ClockKind::Respond, super::super::kinds::Satisfier::Human);
    assert_eq!(act(&mut chat, 1, Action::Resolve(Author::Bot)), Err(owed));
    act(&mut chat, 2, Action::Acknowledge(Author::Bot)).unwrap();
    assert_eq!(chat.state, TicketState::New);
    assert_eq!(act(&mut chat, 3, Action::Acknowledge(Author::Bot)), Err(Refusal::Acknowledged));
    act(&mut chat, 4, Action::Acknowledge(human)).unwrap();
    assert_eq!(act(&mut chat, 5, Action::Acknowledge(human)), Err(Refusal::NotNew));
    act(&mut chat, 6, Action::Resolve(human)).unwrap();
    assert_eq!(act(&mut chat, 7, Action::Answer(human, None)), Err(Refusal::Solved));
    act(&mut chat, 8, Action::Close).unwrap();
    for action in [Action::Reply, Action::Note(human), Action::Assign(None), Action::Close] {
        assert_eq!(act(&mut chat, 9, action), Err(Refusal::Closed));
    }
}

#[test]
fn the_weekly_report_keeps_its_promise_and_solves_what_nobody_waits_for() {
    let mut data = ticket(Channel::Behaviour);
    for change in report(&data) {
        data.apply(Event { at: minute(60), change });
    }
    assert_eq!(state(&data, ClockKind::Report, 1, 61), PromiseState::Kept);
    assert_eq!(data.state, TicketState::Solved);
}

fn any_action() -> impl Strategy<Value = Action> {
    let author = (0..Author::ALL.len()).prop_map(|i| Author::ALL[i]);
    let waiting =
        prop_oneof![Just(None), Just(Some(WaitingOn::User)), Just(Some(WaitingOn::ThirdParty))];
    prop_oneof![
        author.clone().prop_map(Action::Acknowledge),
        (author.clone(), waiting).prop_map(|(a, w)| Action::Answer(a, w)),
        author.clone().prop_map(Action::Note),
        Just(Action::Reply),
        Just(Action::Suspend(WaitingOn::User)),
        Just(Action::Resume),
        author.prop_map(Action::Resolve),
        Just(Action::Close),
    ]
}

proptest! {
    /// Replay is the fold; applying the plan in force changes nothing; one promise of a kind runs at a time; a human's or official's promise
    /// never ends by a program; NEW never comes back; CLOSED never changes.
    #[test]
    fn histories_keep_the_laws(
        steps in prop::collection::vec((0i64..600, any_action(), any::<bool>()), 0..25),
        channel in (0..Channel::ALL.len()).prop_map(|i| Channel::ALL[i]),
    ) {
        let mut ticket = Ticket::open(start(), plan(channel, Category::Complaint, false));
        let (mut m, mut left_new) = (0, false);
        for (wait, action, pays) in steps {
            m += wait;
            let before = ticket.clone();
            if pays {
                let plan = plan(channel, Category::Complaint, true);
                ticket.apply(Event { at: minute(m), change: Change::PlanApplied(plan) });
            }
            for told in ticket.untold_breaches(minute(m)) {
                ticket.apply(told);
            }
            if act(&mut ticket, m, action).is_ok() {
                prop_assert!(before.state != TicketState::Closed);
            }
            left_new |= ticket.state != TicketState::New;
            prop_assert!(!left_new || ticket.state != TicketState::New);
            for kind in ClockKind::ALL {
                let open = ticket.clocks.iter().filter(|c| c.kind() == *kind && c.open());
                prop_assert!(open.count() <= 1);
            }
            prop_assert_eq!(Ticket::replay(ticket.events.clone()), Some(ticket.clone()));
            let mut same = ticket.clone();
            same.apply(Event { at: minute(m), change: Change::PlanApplied(ticket.plan.clone()) });
            prop_assert_eq!(&same.clocks, &ticket.clocks);
        }
    }
}
