//! When offers are on, for whom, and how often.

use super::{at, badges, check_in_at, check_in_daily, item, join, progress, register, user};
use crate::fixture::{Service, refusal};
use perennial_loyalty::Config;
use perennial_loyalty::domain::Tier;
use perennial_loyalty::domain::progress::{Deed, Goal, Measure};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{GetProgressRequest, ProgressState};
use sea_orm::ConnectionTrait;
use tonic::Code;

fn with_task(change: impl FnOnce(&mut Goal)) -> Config {
    let mut config = Config { require_expiry_warning: false, ..Config::default() };
    let task = &mut config.rules[0].progress.tasks[0];
    "speak-up".clone_into(&mut task.key);
    (task.activity, task.measure, task.goal) = (Deed::Feedback, Measure::Count, 3);
    change(task);
    config
}

fn with_challenge(change: impl FnOnce(&mut Goal)) -> Config {
    let mut config = Config { require_expiry_warning: false, ..Config::default() };
    change(&mut config.rules[0].progress.challenges[0]);
    config
}

/// Ann speaks up at an instant; answers how often that counted so far.
async fn speaks_up(service: &Service, when: &str) -> (ProgressState, i64) {
    says(service, when).await;
    let task = item(service, "ann", "speak-up").await;
    (task.state(), task.done)
}

async fn says(service: &Service, when: &str) {
    service.suite.clock.set(at(when));
    service.tell("ann", ActivityKind::Feedback, when, "", 0);
    service.suite.settle().await;
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

/// From the first instant of the member's day to the last one.
#[tokio::test]
async fn what_happens_outside_of_the_days_of_an_offer_does_not_count() {
    let service = Service::with(with_task(|task| {
        task.from = "2026-01-06".parse().ok();
        task.until = "2026-01-07".parse().ok();
    }))
    .await;
    register(&service, "ann").await;
    // In Shanghai, eight hours ahead.
    says(&service, "2026-01-05T15:59:59Z").await;
    let running = |done| (ProgressState::Running, done);
    assert_eq!(speaks_up(&service, "2026-01-05T16:00:00Z").await, running(1));
    assert_eq!(speaks_up(&service, "2026-01-07T15:59:59Z").await, running(2));
    assert_eq!(speaks_up(&service, "2026-01-07T16:00:00Z").await, (ProgressState::Lapsed, 2));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_task_is_over_so_many_days_after_joining() {
    let service = Service::with(with_task(|task| task.within_days = 2)).await;
    service.suite.clock.set(at("2026-01-05T17:00:00Z"));
    register(&service, "ann").await;
    // That day and the next.
    let running = |done| (ProgressState::Running, done);
    assert_eq!(speaks_up(&service, "2026-01-06T15:00:00Z").await, running(1));
    assert_eq!(speaks_up(&service, "2026-01-07T15:59:59Z").await, running(2));
    assert_eq!(speaks_up(&service, "2026-01-07T16:00:00Z").await, (ProgressState::Lapsed, 2));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_challenge_is_joined_on_its_days() {
    let service = Service::with(with_challenge(|challenge| {
        challenge.from = "2026-01-07".parse().ok();
        challenge.until = "2026-02-28".parse().ok();
    }))
    .await;
    register(&service, "ann").await;
    register(&service, "bob").await;
    let not_open = precondition("CHALLENGE_NOT_OPEN");
    service.suite.clock.set(at("2026-01-06T15:59:59Z"));
    assert_eq!(refusal(join(&service, "ann", "").await), not_open);
    service.suite.clock.set(at("2026-01-06T16:00:00Z"));
    join(&service, "ann", "").await.unwrap();
    service.suite.clock.set(at("2026-02-28T16:00:00Z"));
    assert_eq!(refusal(join(&service, "bob", "").await), not_open);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_challenge_for_higher_tiers_is_for_those() {
    let service =
        Service::with(with_challenge(|challenge| challenge.min_tier = Tier::Silver)).await;
    register(&service, "ann").await;
    assert_eq!(refusal(join(&service, "ann", "").await), precondition("TIER_TOO_LOW"));
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    join(&service, "ann", "").await.unwrap();
    service.assert_sound().await;
}

#[tokio::test]
async fn a_challenge_for_once_is_done_once() {
    let service = Service::with(with_challenge(|challenge| {
        (challenge.goal, challenge.repeats) = (2, false);
    }))
    .await;
    register(&service, "ann").await;
    join(&service, "ann", "").await.unwrap();
    check_in_daily(&service, "ann", 2).await;
    assert_eq!(item(&service, "ann", "thirty-days").await.state(), ProgressState::Completed);
    assert_eq!(refusal(join(&service, "ann", "").await), precondition("CHALLENGE_DONE"));
    service.wait_days(40);
    assert_eq!(refusal(join(&service, "ann", "").await), precondition("CHALLENGE_DONE"));
    assert_eq!(badges(&service, "ann").await, ["star-of-progress"]);
    service.assert_sound().await;
}

/// The days in a row of Ann's first streak, as they are kept.
async fn kept_days(service: &Service) -> i32 {
    let request = GetProgressRequest { user_id: user("ann") };
    let all = progress(service).get_progress(request).await.unwrap().into_inner();
    all.streaks[0].days
}

/// A member's days may be many, and a day many events.
#[tokio::test]
async fn what_comes_later_on_a_counted_day_looks_at_no_other_day() {
    let service = Service::start().await;
    register(&service, "ann").await;
    check_in_daily(&service, "ann", 3).await;
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    assert_eq!(kept_days(&service).await, 4);
    // Were the days read again, these two would be missing.
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    let early = "DELETE FROM progress_days WHERE local_date < '2026-01-07'";
    tx.execute_unprepared(early).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    service.suite.clock.advance(chrono::TimeDelta::hours(1));
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    assert_eq!(kept_days(&service).await, 4);
}
