//! Near breaches and breaches, each told once; solved tickets close by themselves.

use crate::world::{World, promise, said};
use chrono::TimeDelta;
use perennial_feedback::Config;
use perennial_feedback::domain::kinds::{ClockKind as Kind, Satisfier};
use perennial_feedback::domain::policy::Rule;
use perennial_proto::feedback::v1::{
    AuthorKind, Channel, ClockKind, PromiseState, TicketBreached, TicketNearBreach, TicketState,
};

#[tokio::test]
async fn a_near_breach_and_a_breach_are_told_once_each() {
    let mut world = World::start().await;
    let answer = world.submit(said("li", Channel::Chat)).await;
    let due = promise(&answer.promises, ClockKind::Respond).due_time;
    world.pass(TimeDelta::minutes(12) - TimeDelta::seconds(1));
    world.suite.settle().await;
    assert!(world.suite.events_of::<TicketNearBreach>().await.is_empty());
    world.pass(TimeDelta::seconds(1));
    world.suite.settle().await;
    world.suite.settle().await;
    let near: Vec<TicketNearBreach> = world.suite.events_of().await;
    assert_eq!(near.len(), 1, "at 80 % of 15 minutes");
    assert_eq!((near[0].clock(), near[0].due_time), (ClockKind::Respond, due));

    world.pass(TimeDelta::minutes(3));
    world.suite.settle().await;
    assert!(world.suite.events_of::<TicketBreached>().await.is_empty(), "due is not late");
    world.pass(TimeDelta::minutes(45));
    world.suite.settle().await;
    world.suite.settle().await;
    world.respond(&answer.ticket_id, AuthorKind::Human).await;
    world.suite.settle().await;
    let breached: Vec<TicketBreached> = world.suite.events_of().await;
    assert_eq!(breached.len(), 1);
    assert_eq!(breached[0].due_time, due, "told late, but with the due time");
    assert_eq!(world.suite.events_of::<TicketNearBreach>().await.len(), 1);
    world.assert_sound().await;
}

#[tokio::test]
async fn an_answer_between_the_look_and_the_claim_wins() {
    let mut world = World::start().await;
    let kept = world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(15));
    world.respond(&kept, AuthorKind::Human).await;
    let late = world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(16));
    // The answer itself tells the breach; the job finds nothing more to tell.
    world.respond(&late, AuthorKind::Human).await;
    assert_eq!(world.suite.events_of::<TicketBreached>().await.len(), 1);
    world.suite.settle().await;
    assert_eq!(world.suite.events_of::<TicketBreached>().await.len(), 1);
    assert!(world.suite.events_of::<TicketNearBreach>().await.is_empty());
    world.assert_sound().await;
}

#[tokio::test]
async fn hundreds_fall_due_at_once() {
    let world = World::start().await;
    let calls = (0..450).map(|n| {
        let mut client = world.feedback.clone();
        let request = said(&format!("u{}", n % 50), Channel::Chat);
        async move { client.submit_feedback(request).await.unwrap() }
    });
    futures::future::join_all(calls).await;
    world.pass(TimeDelta::hours(1));
    world.suite.settle().await;
    assert_eq!(world.suite.events_of::<TicketBreached>().await.len(), 450);
    world.assert_sound().await;
}

#[tokio::test]
async fn a_solved_ticket_closes_after_a_week() {
    let mut world = World::start().await;
    let id = world.open("li", Channel::Form).await;
    world.resolve(&id).await;
    world.pass(TimeDelta::days(7) - TimeDelta::seconds(1));
    world.suite.settle().await;
    assert_eq!(world.ticket(&id).await.state(), TicketState::Solved);
    world.pass(TimeDelta::seconds(1));
    world.suite.settle().await;
    assert_eq!(world.ticket(&id).await.state(), TicketState::Closed);
    world.assert_sound().await;
}

#[tokio::test]
async fn office_hours_from_the_settings_are_kept_with_the_ticket() {
    let mut config = Config::default();
    let hours = vec!["09:00-12:00".to_owned(), "13:30-18:00".to_owned()];
    let office = config.calendars.entry("office".to_owned()).or_default();
    office.zone = "Asia/Shanghai".to_owned();
    office.week = ["mon", "tue", "wed", "thu", "fri"].map(|d| (d.to_owned(), hours.clone())).into();
    config.promises = vec![Rule {
        clock: Kind::Respond,
        channels: vec![],
        categories: vec![],
        paying: None,
        within_seconds: 3 * 3_600,
        by: Satisfier::Human,
        pauses: false,
        calendar: "office".to_owned(),
    }];
    let mut world = World::with(config).await;
    // Monday 17:00 in Shanghai: an hour today, two tomorrow from nine.
    let answer = world.submit(said("li", Channel::Chat)).await;
    let respond = promise(&answer.promises, ClockKind::Respond);
    assert_eq!(crate::world::allowed(respond), 18 * 3_600);
    world.pass(TimeDelta::hours(17));
    let used = world.ticket(&answer.ticket_id).await.promises[0].used;
    assert!((used - 2.0 / 3.0).abs() < 1e-9, "{used}");
    world.pass(TimeDelta::hours(2));
    world.suite.settle().await;
    let ticket = world.ticket(&answer.ticket_id).await;
    assert_eq!(ticket.promises[0].state(), PromiseState::Breached);
    world.assert_sound().await;
}
