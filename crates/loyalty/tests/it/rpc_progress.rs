//! Tasks, streaks, challenges, badges and stamp cards.

mod again;
mod windows;

use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use chrono::{DateTime, Utc};
use perennial_loyalty::Config;
use perennial_loyalty::domain::{Reward, RuleVersion};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserRegistered};
use perennial_proto::loyalty::v1::progress_service_client::ProgressServiceClient;
use perennial_proto::loyalty::v1::{
    GetProgressRequest, GetStreakRequest, GetStreakResponse, GetTimeZoneRequest,
    JoinChallengeRequest, JoinChallengeResponse, LeaveChallengeRequest, ListBadgesRequest,
    ListGrantsRequest, ProgressItem, ProgressState, RewardGranted, RewardRevoked,
    SetTimeZoneRequest, SetTimeZoneResponse, StreakDay,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

pub(super) fn progress(service: &Service) -> ProgressServiceClient<Channel> {
    ProgressServiceClient::new(service.suite.channel())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn user(user: &str) -> String {
    user.to_owned()
}

/// Somebody registers, and is at home in the programme's zone.
pub(super) async fn register(service: &Service, name: &str) {
    let told = UserRegistered { user_id: user(name), register_time: None };
    service.suite.log(Peer::Identity).append(service.now(), name, &told);
    service.suite.settle().await;
}

/// Identity tells of a check-in at an instant, which may have passed long ago.
fn check_in_at(service: &Service, name: &str, when: DateTime<Utc>) {
    let activity = ActivityRecorded {
        user_id: user(name),
        activity_id: format!("act_{}", when.timestamp()),
        kind: ActivityKind::CheckIn.into(),
        occur_time: Some(time::to_proto(when)),
        source: "app".to_owned(),
        source_event_id: format!("c-{name}-{}", when.timestamp()),
        ..Default::default()
    };
    service.suite.log(Peer::Identity).append(service.now(), name, &activity);
}

/// Checks in now, and again on each of the next days at the same time; ends a day after the last.
async fn check_in_daily(service: &Service, name: &str, days: usize) {
    for _ in 0..days {
        check_in_at(service, name, service.now());
        service.suite.settle().await;
        service.wait_days(1);
    }
}

fn session(service: &Service, name: &str, event: &str, seconds: i64) {
    let activity = ActivityRecorded {
        user_id: user(name),
        activity_id: format!("act_{event}"),
        kind: ActivityKind::Session.into(),
        occur_time: Some(time::to_proto(service.now())),
        source: "app".to_owned(),
        source_event_id: event.to_owned(),
        duration: Some(prost_duration(seconds)),
        ..Default::default()
    };
    service.suite.log(Peer::Identity).append(service.now(), name, &activity);
}

fn prost_duration(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

pub(super) async fn item(service: &Service, name: &str, key: &str) -> ProgressItem {
    let request = GetProgressRequest { user_id: user(name) };
    let all = progress(service).get_progress(request).await.unwrap().into_inner();
    all.items.into_iter().find(|item| item.key == key).unwrap()
}

async fn streak(service: &Service, name: &str) -> GetStreakResponse {
    let request = GetStreakRequest { user_id: user(name), streak: "check-in".to_owned() };
    progress(service).get_streak(request).await.unwrap().into_inner()
}

async fn days(service: &Service, name: &str) -> i32 {
    streak(service, name).await.streak.unwrap().days
}

pub(super) async fn badges(service: &Service, name: &str) -> Vec<String> {
    let request = ListBadgesRequest { user_id: user(name) };
    let held = progress(service).list_badges(request).await.unwrap().into_inner().badges;
    held.into_iter().map(|badge| badge.badge).collect()
}

pub(super) async fn causes(service: &Service, name: &str) -> Vec<String> {
    let request = ListGrantsRequest { user_id: user(name), ..Default::default() };
    let grants = progress(service).list_grants(request).await.unwrap().into_inner().grants;
    let standing = grants.into_iter().filter(|grant| grant.revoke_time.is_none());
    let mut causes: Vec<String> =
        standing.map(|grant| format!("{} {}", grant.cause, grant.cause_id)).collect();
    causes.sort();
    causes.dedup();
    causes
}

async fn join(service: &Service, name: &str, id: &str) -> Result<JoinChallengeResponse, Status> {
    let request = JoinChallengeRequest {
        request_id: id.to_owned(),
        user_id: user(name),
        challenge: "thirty-days".to_owned(),
    };
    Ok(progress(service).join_challenge(request).await?.into_inner())
}

async fn move_to(service: &Service, name: &str, zone: &str) -> Result<SetTimeZoneResponse, Status> {
    let request = SetTimeZoneRequest {
        request_id: String::new(),
        user_id: user(name),
        time_zone: zone.to_owned(),
    };
    Ok(progress(service).set_time_zone(request).await?.into_inner())
}

#[tokio::test]
async fn thirty_days_in_a_row_are_full_attendance() {
    let service = Service::start().await;
    check_in_daily(&service, "ann", 29).await;
    assert_eq!(badges(&service, "ann").await, Vec::<String>::new());
    check_in_daily(&service, "ann", 1).await;
    assert_eq!(badges(&service, "ann").await, ["full-attendance"]);
    assert_eq!(causes(&service, "ann").await, ["streak check-in/30#1", "streak check-in/7#1"]);
    // Thirty check-ins of five points, and twenty for the first week.
    assert_eq!(service.balance("ann").await.spendable, 30 * 5 + 20);
    let shown = streak(&service, "ann").await;
    assert_eq!(shown.days.len(), 30);
    let streak = shown.streak.unwrap();
    assert_eq!((streak.days, streak.longest, streak.freezes), (30, 30, 2));
    assert!(streak.milestones.iter().all(|milestone| milestone.reached));
    let told: Vec<RewardGranted> = service.suite.events_of().await;
    assert_eq!(told.len(), 2);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_freeze_is_used_without_asking_and_given_back_when_the_day_is_told_late() {
    let service = Service::start().await;
    check_in_daily(&service, "ann", 2).await;
    let missed = service.now();
    service.wait_days(1);
    check_in_daily(&service, "ann", 1).await;
    let shown = streak(&service, "ann").await;
    let what: Vec<StreakDay> =
        shown.days.iter().map(perennial_proto::loyalty::v1::DayOfStreak::what).collect();
    assert_eq!(what[2..], [StreakDay::Frozen, StreakDay::Counted]);
    let before = shown.streak.unwrap();
    assert_eq!((before.days, before.freezes), (3, 0));
    // The member had been there: the source only told later.
    check_in_at(&service, "ann", missed);
    service.suite.settle().await;
    let after = streak(&service, "ann").await.streak.unwrap();
    assert_eq!((after.days, after.freezes), (4, 1));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_streak_is_lost_at_the_instant_that_was_named() {
    let service = Service::start().await;
    check_in_daily(&service, "ann", 3).await;
    let lost = streak(&service, "ann").await.streak.unwrap().lost_at_time.unwrap();
    let lost = time::from_proto("lost_at_time", &lost).unwrap();
    service.suite.clock.set(lost - TimeDelta::microseconds(1));
    assert_eq!(days(&service, "ann").await, 3);
    service.suite.clock.set(lost);
    assert_eq!(days(&service, "ann").await, 0);
    assert_eq!(streak(&service, "ann").await.streak.unwrap().longest, 3);
    service.assert_sound().await;
}

#[tokio::test]
async fn who_travels_keeps_the_streak_and_gains_no_day() {
    let service = Service::start().await;
    service.suite.clock.set(at("2024-05-01T15:00:00Z"));
    register(&service, "ann").await;
    // 23:00 in Shanghai. The zone of tomorrow is an island where it is already the third then.
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    let moved = move_to(&service, "ann", "Pacific/Kiritimati").await.unwrap();
    let from = time::from_proto("effective_time", &moved.effective_time.unwrap()).unwrap();
    assert_eq!(from, at("2024-05-01T16:00:00Z"));
    // Two hours later it is the second: kept, but no day, and no points.
    service.suite.clock.set(at("2024-05-01T17:00:00Z"));
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 5);
    let shown = streak(&service, "ann").await;
    assert_eq!(shown.today, "2024-05-02");
    assert_eq!((shown.days[1].what(), shown.days[1].days), (StreakDay::Kept, 1));
    // Twenty hours after the first: a day again.
    service.suite.clock.set(at("2024-05-02T11:00:00Z"));
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    let shown = streak(&service, "ann").await;
    assert_eq!((shown.today.as_str(), shown.streak.unwrap().days), ("2024-05-03", 2));
    assert_eq!(service.balance("ann").await.spendable, 10);

    let zones = GetTimeZoneRequest { user_id: user("ann") };
    let zones = progress(&service).get_time_zone(zones).await.unwrap().into_inner();
    assert_eq!((zones.time_zone.as_str(), zones.zones.len()), ("Pacific/Kiritimati", 2));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_challenge_keeps_the_version_it_began_with() {
    let mut config = Config::default();
    let start = Service::start().await.now();
    let mut later = RuleVersion {
        version: "2".to_owned(),
        effective_from: start + TimeDelta::days(10),
        ..RuleVersion::default()
    };
    later.progress.challenges[0].goal = 31;
    later.progress.challenges[0].rewards = vec![Reward::Points(1)];
    config.rules.push(later);
    let service = Service::with(config).await;
    service.suite.clock.set(start);
    register(&service, "ann").await;
    let joined = join(&service, "ann", "j1").await.unwrap();
    assert_eq!((joined.replayed, joined.item.unwrap().goal), (false, 30));
    let again = join(&service, "ann", "j1").await.unwrap();
    assert!(again.replayed);
    let refused = refusal(join(&service, "ann", "j2").await);
    assert_eq!(refused, (Code::AlreadyExists, "ALREADY_JOINED".to_owned()));

    check_in_daily(&service, "ann", 29).await;
    let shown = item(&service, "ann", "thirty-days").await;
    assert_eq!((shown.state(), shown.missing, shown.percent), (ProgressState::Running, 1, 96));
    assert_eq!((shown.goal, shown.rule_version.as_str()), (30, "1"));
    check_in_daily(&service, "ann", 1).await;
    assert_eq!(item(&service, "ann", "thirty-days").await.state(), ProgressState::Completed);
    let held = badges(&service, "ann").await;
    assert!(held.contains(&"star-of-progress".to_owned()), "{held:?}");
    assert!(causes(&service, "ann").await.contains(&"challenge thirty-days#1".to_owned()));

    // The next one is under the rules of then.
    let joined = join(&service, "ann", "j3").await.unwrap().item.unwrap();
    assert_eq!((joined.goal, joined.round, joined.rule_version.as_str()), (31, 2, "2"));
    let leave = LeaveChallengeRequest {
        request_id: "l1".to_owned(),
        user_id: user("ann"),
        challenge: "thirty-days".to_owned(),
    };
    let left = progress(&service).leave_challenge(leave.clone()).await.unwrap().into_inner();
    assert_eq!(left.item.unwrap().state(), ProgressState::Left);
    assert!(progress(&service).leave_challenge(leave.clone()).await.unwrap().into_inner().replayed);
    let leave = LeaveChallengeRequest { request_id: String::new(), ..leave };
    let refused = refusal(progress(&service).leave_challenge(leave).await);
    assert_eq!(refused, (Code::NotFound, "NOT_JOINED".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_challenge_that_takes_too_long_lapses_and_can_be_joined_again() {
    let service = Service::start().await;
    register(&service, "ann").await;
    join(&service, "ann", "").await.unwrap();
    check_in_daily(&service, "ann", 3).await;
    service.wait_days(40);
    assert_eq!(item(&service, "ann", "thirty-days").await.state(), ProgressState::Lapsed);
    check_in_daily(&service, "ann", 1).await;
    assert_eq!(item(&service, "ann", "thirty-days").await.done, 3);
    assert_eq!(join(&service, "ann", "").await.unwrap().item.unwrap().round, 2);
    service.assert_sound().await;
}

/// Rules with a task for money paid.
fn with_spending_task() -> Config {
    let mut config = Config::default();
    let task = &mut config.rules[0].progress.tasks[0];
    "spend-100".clone_into(&mut task.key);
    task.activity = perennial_loyalty::domain::progress::Deed::Purchase;
    task.measure = perennial_loyalty::domain::progress::Measure::Paid;
    task.goal = 10_000;
    task.rewards = vec![Reward::Points(500), Reward::Badge("spender".to_owned())];
    config
}

#[tokio::test]
async fn a_task_that_is_missed_again_is_open_again_and_its_rewards_are_taken_back() {
    let service = Service::with(with_spending_task()).await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 9_999);
    service.suite.settle().await;
    let task = item(&service, "ann", "spend-100").await;
    assert_eq!((task.state(), task.missing, task.percent), (ProgressState::Running, 1, 99));
    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 101);
    service.suite.settle().await;
    assert_eq!(item(&service, "ann", "spend-100").await.state(), ProgressState::Completed);
    assert_eq!(badges(&service, "ann").await, ["spender"]);
    let rich = service.balance("ann").await.spendable;

    // One minor unit below the goal is below the goal.
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 100);
    service.suite.settle().await;
    assert_eq!(item(&service, "ann", "spend-100").await.state(), ProgressState::Completed);
    service.tell("ann", ActivityKind::Refund, "r2", "o1", 1);
    service.suite.settle().await;
    let task = item(&service, "ann", "spend-100").await;
    assert_eq!((task.state(), task.done), (ProgressState::Running, 9_999));
    assert_eq!(badges(&service, "ann").await, Vec::<String>::new());
    assert!(service.balance("ann").await.spendable <= rich - 500);
    let told: Vec<RewardRevoked> = service.suite.events_of().await;
    assert_eq!(told.len(), 2);

    // Reached again, it is given again, once.
    service.tell("ann", ActivityKind::Purchase, "p3", "o3", 500);
    service.suite.settle().await;
    assert_eq!(badges(&service, "ann").await, ["spender"]);
    assert_eq!(causes(&service, "ann").await, ["task spend-100#1/2"]);
    service.assert_sound().await;
}

#[tokio::test]
async fn hours_of_study_add_up_and_are_visible() {
    let service = Service::start().await;
    for n in 0..3 {
        session(&service, "ann", &format!("s{n}"), 36_000);
        session(&service, "ann", &format!("s{n}"), 36_000);
    }
    service.suite.settle().await;
    let task = item(&service, "ann", "study-100-hours").await;
    assert_eq!((task.done, task.percent, task.missing), (108_000, 30, 252_000));
    assert_eq!(task.rewards.len(), 1);
    for n in 3..10 {
        session(&service, "ann", &format!("s{n}"), 36_000);
    }
    service.suite.settle().await;
    let task = item(&service, "ann", "study-100-hours").await;
    assert_eq!((task.state(), task.percent), (ProgressState::Completed, 100));
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erasure_forgets_and_a_new_life_begins_anew() {
    let service = Service::start().await;
    register(&service, "ann").await;
    join(&service, "ann", "").await.unwrap();
    move_to(&service, "ann", "America/Havana").await.unwrap();
    check_in_daily(&service, "ann", 7).await;
    service.tell("ann", ActivityKind::Feedback, "f1", "", 0);
    service.suite.settle().await;
    assert_eq!(item(&service, "ann", "first-feedback").await.state(), ProgressState::Completed);
    service.erase("ann").await;
    assert_eq!(days(&service, "ann").await, 0);
    assert_eq!(item(&service, "ann", "first-feedback").await.state(), ProgressState::Open);
    let refused = refusal(join(&service, "ann", "").await);
    assert_eq!(refused, (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned()));
    let refused = refusal(move_to(&service, "ann", "Asia/Tokyo").await);
    assert_eq!(refused, (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned()));
    // What comes late is not counted any more.
    check_in_at(&service, "ann", service.now());
    service.suite.settle().await;
    assert_eq!(days(&service, "ann").await, 0);

    service.wait_days(1);
    register(&service, "ann").await;
    assert_eq!(causes(&service, "ann").await, Vec::<String>::new());
    service.tell("ann", ActivityKind::Feedback, "f2", "", 0);
    service.suite.settle().await;
    assert_eq!(causes(&service, "ann").await, ["task first-feedback#2"]);
    service.assert_sound().await;
}

#[tokio::test]
async fn refusals_have_their_reasons() {
    let service = Service::start().await;
    let nobody = |answer| assert_eq!(answer, (Code::NotFound, "MEMBER_NOT_FOUND".to_owned()));
    nobody(refusal(join(&service, "nobody", "").await));
    nobody(refusal(move_to(&service, "nobody", "Asia/Tokyo").await));
    let request = GetProgressRequest { user_id: user("nobody") };
    nobody(refusal(progress(&service).get_progress(request).await));
    register(&service, "ann").await;
    let request = GetStreakRequest { user_id: user("ann"), streak: "none".to_owned() };
    let refused = refusal(progress(&service).get_streak(request).await);
    assert_eq!(refused, (Code::NotFound, "STREAK_NOT_FOUND".to_owned()));
    let request = JoinChallengeRequest {
        user_id: user("ann"),
        challenge: "none".to_owned(),
        ..Default::default()
    };
    let refused = refusal(progress(&service).join_challenge(request).await);
    assert_eq!(refused, (Code::NotFound, "CHALLENGE_NOT_FOUND".to_owned()));
    assert_eq!(refusal(move_to(&service, "ann", "Mars/Base").await).0, Code::InvalidArgument);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_many_who_join_at_once_one_does() {
    let service = Service::start().await;
    register(&service, "ann").await;
    let calls = (0..8).map(|_| join(&service, "ann", ""));
    let answers = futures::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    service.assert_sound().await;
}

#[tokio::test]
async fn grants_are_listed_in_pages_newest_first() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Feedback, "f1", "", 0);
    check_in_daily(&service, "ann", 7).await;
    let request = ListGrantsRequest { user_id: user("ann"), page_size: 1, ..Default::default() };
    let first = progress(&service).list_grants(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.grants[0].cause_id, "check-in/7#1");
    let request = ListGrantsRequest { page_token: first.next_page_token, ..request };
    let second = progress(&service).list_grants(request).await.unwrap().into_inner();
    assert_eq!(second.grants[0].cause_id, "first-feedback#1");
    assert_eq!(second.next_page_token, "");
    service.assert_sound().await;
}
