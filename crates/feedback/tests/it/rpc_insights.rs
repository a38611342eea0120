//! How promises were kept.

use crate::world::{World, complaint};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::feedback::v1::{
    AuthorKind, Channel, ClockKind, GetServiceLevelsRequest, GetWeeklyReportRequest, ServiceLevel,
};
use tonic::Code;

#[tokio::test]
async fn counts_promises_by_channel_and_clock() {
    let mut world = World::start().await;
    // Chats answered after 4, 8, 10 and 20 minutes, one overdue, one open.
    for minutes in [4, 8, 10, 20] {
        let id = world.open("li", Channel::Chat).await;
        world.pass(TimeDelta::minutes(minutes));
        world.respond(&id, AuthorKind::Human).await;
    }
    world.open("li", Channel::Chat).await;
    world.pass(TimeDelta::minutes(30));
    let start = world.suite.clock.now();
    world.open("li", Channel::Chat).await;
    world.submit(complaint("li", Channel::Form)).await;

    let all = GetServiceLevelsRequest::default();
    let levels = world.insights.get_service_levels(all).await.unwrap().into_inner().levels;
    let chat = level(&levels, Channel::Chat, ClockKind::Respond);
    assert_eq!((chat.kept, chat.breached, chat.open), (3, 2, 1));
    assert_eq!(chat.median_time.unwrap().seconds, 8 * 60, "the lower of 8 and 10 minutes");
    let form = level(&levels, Channel::Form, ClockKind::Acknowledge);
    assert_eq!((form.kept, form.median_time.unwrap().seconds), (1, 0));
    assert_eq!(level(&levels, Channel::Form, ClockKind::Resolve).open, 1);

    let recent =
        GetServiceLevelsRequest { start_time: Some(time::to_proto(start)), end_time: None };
    let levels = world.insights.get_service_levels(recent).await.unwrap().into_inner().levels;
    let chat = level(&levels, Channel::Chat, ClockKind::Respond);
    assert_eq!((chat.kept, chat.breached, chat.open), (0, 0, 1));

    let backwards = GetServiceLevelsRequest {
        start_time: Some(time::to_proto(start)),
        end_time: Some(time::to_proto(start - TimeDelta::days(1))),
    };
    let refused = world.insights.get_service_levels(backwards).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_report_that_is_not_there_is_told_from_a_week_that_cannot_be() {
    let world = World::start().await;
    let cases = [
        ("", Code::NotFound, "no week has been reported yet"),
        ("2026-W40", Code::NotFound, "2026-W40 has not been reported"),
        ("2026-W99", Code::InvalidArgument, "week must be an ISO week"),
        ("last one", Code::InvalidArgument, "week must be an ISO week"),
    ];
    for (week, code, words) in cases {
        let request = GetWeeklyReportRequest { week: week.to_owned() };
        let refused = world.insights.clone().get_weekly_report(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{week}");
        assert!(refused.message().contains(words), "{week}: {}", refused.message());
    }
}

fn level(levels: &[ServiceLevel], channel: Channel, clock: ClockKind) -> &ServiceLevel {
    levels.iter().find(|level| level.channel() == channel && level.clock() == clock).unwrap()
}
