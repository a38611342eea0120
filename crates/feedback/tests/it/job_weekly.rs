//! Behaviour data appears in the report of its week.

use crate::world::{World, said, state};
use chrono::{TimeDelta, TimeZone, Utc};
use perennial_proto::feedback::v1::{
    Channel, ClockKind, GetWeeklyReportRequest, PromiseState, QuickTag, SubmitFeedbackRequest,
    TicketState,
};

#[tokio::test]
async fn a_week_is_reported_when_its_last_feedback_must_have_been_written() {
    let mut world = World::start().await;
    // Monday 00:00 in Shanghai.
    let end = Utc.with_ymd_and_hms(2026, 1, 11, 16, 0, 0).unwrap();
    world.suite.clock.set(end - TimeDelta::microseconds(1));
    world.open("li", Channel::Form).await;
    let mut reported = async || {
        world.suite.settle().await;
        let latest = GetWeeklyReportRequest::default();
        world.insights.get_weekly_report(latest).await.ok()?.into_inner().report
    };
    let clock = world.suite.clock.clone();
    clock.set(end + TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert!(reported().await.is_none());
    clock.advance(TimeDelta::microseconds(1));
    let report = reported().await.unwrap();
    assert_eq!((report.week.as_str(), report.channels[0].count), ("2026-W02", 1));
}

#[tokio::test]
async fn every_week_is_reported_once_and_in_time() {
    let mut world = World::start().await;
    let data = world.open("li", Channel::Behaviour).await;
    let tagged = SubmitFeedbackRequest {
        quick_tags: vec![QuickTag::Slow.into(), QuickTag::SaveFailed.into()],
        ..said("li", Channel::Form)
    };
    world.submit(tagged).await;
    world.open("li", Channel::Form).await;
    world.suite.advance(TimeDelta::days(6), TimeDelta::hours(6)).await;
    let early = world.insights.get_weekly_report(GetWeeklyReportRequest::default()).await;
    assert!(early.is_err(), "the week is not over");

    world.suite.advance(TimeDelta::days(1), TimeDelta::hours(1)).await;
    let latest = GetWeeklyReportRequest::default();
    let report = world.insights.get_weekly_report(latest.clone()).await.unwrap().into_inner();
    let report = report.report.unwrap();
    assert_eq!(report.week, "2026-W02");
    let channels: Vec<_> = report.channels.iter().map(|c| (c.channel(), c.count)).collect();
    assert_eq!(channels, [(Channel::Form, 2), (Channel::Behaviour, 1)]);
    assert_eq!(report.quick_tags.iter().map(|tag| tag.count).sum::<i64>(), 2);
    let ticket = world.ticket(&data).await;
    assert_eq!(state(&ticket, ClockKind::Report), PromiseState::Kept);
    assert_eq!(ticket.state(), TicketState::Solved);

    // A service that was down for weeks makes up for all of them.
    world.pass(TimeDelta::days(21));
    world.suite.settle().await;
    let third = GetWeeklyReportRequest { week: "2026-W04".to_owned() };
    let quiet = world.insights.get_weekly_report(third).await.unwrap().into_inner().report.unwrap();
    assert!(quiet.channels.is_empty());
    let report = world.insights.get_weekly_report(latest).await.unwrap().into_inner();
    assert_eq!(report.report.unwrap().week, "2026-W05");
    world.assert_sound().await;
}
