//! NotificationService: planning, taking back, looking at.

use crate::world::{World, assert_state, at, care, care_on};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::notification::v1::{
    BatchScheduleNotificationsRequest, CancelNotificationRequest, DeliveryChannel,
    ExplainNotificationRequest, GetNotificationRequest, ListNotificationsRequest,
    NotificationScheduled, NotificationState as State, ScheduleNotificationRequest, Verdict,
};
use tonic::Code;

#[tokio::test]
async fn a_dedupe_key_plans_once_per_channel() {
    let world = World::new().await;
    let both = ScheduleNotificationRequest {
        channels: vec![DeliveryChannel::Email.into(), DeliveryChannel::Inbox.into()],
        dedupe_key: "order-1".to_owned(),
        ..care("u1")
    };
    let mut client = world.messages();
    let first = client.schedule_notification(both.clone()).await.unwrap().into_inner();
    assert_eq!((first.notifications.len(), first.deduplicated), (2, false));
    let again = client.schedule_notification(both.clone()).await.unwrap().into_inner();
    assert!(again.deduplicated && !again.replayed);
    assert_eq!(again.notifications, first.notifications);
    let other = ScheduleNotificationRequest { user_id: "u2".to_owned(), ..both };
    assert!(!client.schedule_notification(other).await.unwrap().into_inner().deduplicated);
    assert_eq!(world.suite.events_of::<NotificationScheduled>().await.len(), 4);
}

#[tokio::test]
async fn a_request_id_replays_and_another_request_is_refused() {
    let world = World::new().await;
    let request = ScheduleNotificationRequest { request_id: "r1".to_owned(), ..care("u1") };
    let mut client = world.messages();
    let first = client.schedule_notification(request.clone()).await.unwrap().into_inner();
    let again = client.schedule_notification(request.clone()).await.unwrap().into_inner();
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.notifications, first.notifications);
    let other = ScheduleNotificationRequest { topic: "news".to_owned(), ..request };
    let error = client.schedule_notification(other).await.unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_batch_answers_each_entry_in_its_place() {
    let world = World::new().await;
    let unknown = ScheduleNotificationRequest { template: "nothing".to_owned(), ..care("u2") };
    let twice = ScheduleNotificationRequest { channels: vec![1, 1], ..care("u3") };
    let keyed = ScheduleNotificationRequest { dedupe_key: "k".to_owned(), ..care("u4") };
    let requests = vec![care("u1"), unknown, twice, keyed.clone(), keyed];
    let request = BatchScheduleNotificationsRequest { requests };
    let answer = world.messages().batch_schedule_notifications(request).await.unwrap();
    let results = answer.into_inner().results;
    let reasons: Vec<_> = results.iter().map(|r| r.error_reason.as_str()).collect();
    assert_eq!(reasons, ["", "TEMPLATE_NOT_FOUND", "INVALID_FIELDS", "", ""]);
    assert_eq!(results[3].notification_ids, results[4].notification_ids);
    assert!(results[4].deduplicated && !results[3].deduplicated);
}

#[tokio::test]
async fn what_does_not_fit_the_template_is_refused() {
    let world = World::new().await;
    let mut request =
        ScheduleNotificationRequest { template: "points-expiring".to_owned(), ..care("u1") };
    request.channels = vec![DeliveryChannel::Inbox.into(), DeliveryChannel::Inbox.into()];
    request.variables.insert("point".to_owned(), "5".to_owned());
    let error = world.messages().schedule_notification(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    for name in
        [r#"variables["points"] is declared"#, r#"variables["point"] is not"#, "channels[1] is"]
    {
        assert!(error.message().contains(name), "{}", error.message());
    }
    let late = world.now() + TimeDelta::days(400);
    let request =
        ScheduleNotificationRequest { send_time: Some(time::to_proto(late)), ..care("u1") };
    let error = world.messages().schedule_notification(request).await.unwrap_err();
    assert!(error.message().contains("send_time"), "{}", error.message());
}

#[tokio::test]
async fn a_planned_message_can_be_taken_back_until_it_is_sent() {
    let world = World::new().await;
    world.people.add("u1");
    let tomorrow = Some(time::to_proto(world.now() + TimeDelta::days(1)));
    let planned =
        world.schedule(ScheduleNotificationRequest { send_time: tomorrow, ..care("u1") }).await;
    let sent = world.schedule(care("u1")).await;
    world.suite.settle().await;
    assert_state(&world.get(&sent.notification_id).await, State::Sent, "");
    let cancel = async |id: &str| {
        let request =
            CancelNotificationRequest { notification_id: id.to_owned(), request_id: String::new() };
        world.messages().cancel_notification(request).await
    };
    let cancelled = cancel(&planned.notification_id).await.unwrap().into_inner();
    assert_state(&cancelled.notification.unwrap(), State::Cancelled, "CANCELLED");
    assert!(cancel(&planned.notification_id).await.is_ok(), "twice is no error");
    let error = cancel(&sent.notification_id).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    world.advance(TimeDelta::days(2)).await;
    assert_eq!(world.mails().len(), 1);
    let unknown = GetNotificationRequest { notification_id: format!("ntf_{:032x}", 1) };
    let error = world.messages().get_notification(unknown).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn lists_narrow_and_pages_join_up() {
    let world = World::new().await;
    for n in 0..7 {
        world.schedule(care(if n % 2 == 0 { "even" } else { "odd" })).await;
    }
    let mut request = ListNotificationsRequest { page_size: 2, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.messages().list_notifications(request.clone()).await.unwrap().into_inner();
        seen.extend(page.notifications.into_iter().map(|n| n.notification_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (7, 7));
    let narrow = ListNotificationsRequest {
        user_id: "odd".to_owned(),
        states: vec![State::Scheduled.into()],
        ..Default::default()
    };
    let page = world.messages().list_notifications(narrow).await.unwrap().into_inner();
    assert_eq!(page.notifications.len(), 3);
    request.user_id = "odd".to_owned();
    let error = world.messages().list_notifications(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "a token of another list");
}

#[tokio::test]
async fn explain_says_what_would_be_and_then_what_was() {
    let world = World::new().await;
    world.people.add("u1");
    let night = at("2026-03-02T23:30:00+08:00");
    let planned = ScheduleNotificationRequest {
        send_time: Some(time::to_proto(night)),
        ..care_on("u1", DeliveryChannel::Email)
    };
    let id = world.schedule(planned).await.notification_id;
    let explain = async || {
        let request = ExplainNotificationRequest { notification_id: id.clone(), at: None };
        world.messages().explain_notification(request).await.unwrap().into_inner()
    };
    let before = explain().await;
    assert!(!before.recorded);
    let would = before.decision.unwrap();
    assert_eq!((would.outcome(), would.reason.as_str()), (Verdict::Hold, "QUIET_HOURS"));
    assert_eq!(would.local_time, "2026-03-02T23:30:00+08:00");

    world.suite.clock.set(night);
    world.suite.settle().await;
    let after = explain().await;
    assert!(after.recorded);
    let decision = after.decision.unwrap();
    assert_eq!(decision.gates, would.gates, "the same gates with the same inputs");
    assert_eq!(decision.time_zone, "Asia/Shanghai");
    assert_eq!(decision.tzdb_version.len(), 5);
    let next = time::from_proto("", &decision.next_eligible_time.unwrap()).unwrap();
    assert!(next >= at("2026-03-03T08:00:00+08:00") && next < at("2026-03-03T08:15:00+08:00"));
}
