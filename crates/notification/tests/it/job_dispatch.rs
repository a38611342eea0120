//! Deciding and handing over: mails, quiet hours, caps, expiry.

use crate::world::{World, assert_state, at, care, care_on};
use chrono::TimeDelta;
use futures::FutureExt;
use perennial_platform::time;
use perennial_proto::identity::v1::Profile;
use perennial_proto::notification::v1::{
    BatchScheduleNotificationsRequest, DeliveryChannel, GetDeliveryReportRequest, MessageClass,
    NotificationHeld, NotificationSent, NotificationState as State, ScheduleNotificationRequest,
};

#[tokio::test]
async fn a_mail_is_written_in_the_users_language_with_a_stable_id() {
    let world = World::new().await;
    world.people.add("u1");
    world.people.put(Profile {
        user_id: "u2".to_owned(),
        display_name: "小李".to_owned(),
        email: "li@example.cn".to_owned(),
        locale: "zh-CN".to_owned(),
        ..Default::default()
    });
    let english = world.schedule(care("u1")).await;
    world.schedule(care("u2")).await;
    world.suite.settle().await;
    let mails = world.mails();
    assert_eq!(mails.len(), 2);
    let id = &english.notification_id;
    let (_, mail) = mails.iter().find(|(name, _)| name == &format!("{id}.eml")).unwrap();
    for line in [
        &format!("Message-ID: <{id}@perennial.example>"),
        "To: \"Name of u1\" <u1@example.org>",
        "Subject: How have you been?",
        "Date: Mon, 02 Mar 2026 04:00:00 +0000",
        "Content-Language: en",
        "Auto-Submitted: auto-generated",
        "Unsubscribe in one step",
    ] {
        assert!(mail.contains(line), "{line} in {mail}");
    }
    assert!(mails.iter().any(|(_, mail)| mail.contains("Content-Language: zh-CN")));
    let sent = world.suite.events_of::<NotificationSent>().await;
    assert_eq!(sent.len(), 2);
    assert_eq!(world.check().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_night_holds_marketing_and_lets_transactional_pass() {
    let world = World::new().await;
    world.people.add("u1");
    world.suite.clock.set(at("2026-03-02T22:00:00+08:00"));
    let marketing = world.schedule(care("u1")).await;
    let asked_for = ScheduleNotificationRequest {
        class: MessageClass::Transactional.into(),
        ..care_on("u1", DeliveryChannel::Inbox)
    };
    let asked_for = world.schedule(asked_for).await;
    world.suite.settle().await;
    assert_state(&world.get(&marketing.notification_id).await, State::Held, "QUIET_HOURS");
    assert_state(&world.get(&asked_for.notification_id).await, State::Sent, "");
    world.suite.clock.set(at("2026-03-03T07:59:59+08:00"));
    world.suite.settle().await;
    assert_eq!(world.mails().len(), 0);
    world.suite.clock.set(at("2026-03-03T08:15:00+08:00"));
    world.suite.settle().await;
    let sent = world.get(&marketing.notification_id).await;
    assert_state(&sent, State::Sent, "");
    assert_eq!((sent.holds, sent.held_for.as_str()), (1, "QUIET_HOURS"));
    assert_eq!(world.suite.events_of::<NotificationHeld>().await.len(), 1);
}

#[tokio::test]
async fn a_full_cap_holds_until_it_has_room_and_the_slots_agree() {
    let world = World::new().await;
    world.people.add("u1");
    for _ in 0..6 {
        world.schedule(care("u1")).await;
    }
    world.suite.settle().await;
    assert_eq!(world.mails().len(), 2, "two a day");
    assert_eq!(world.check().await, Vec::<String>::new());
    world.suite.advance(TimeDelta::days(6), TimeDelta::hours(1)).await;
    assert_eq!(world.mails().len(), 2, "two on one topic in seven days");
    world.suite.advance(TimeDelta::days(1), TimeDelta::hours(1)).await;
    assert_eq!(world.mails().len(), 2, "the others were of use for seven days and are dropped");
    let report =
        world.reports().get_delivery_report(GetDeliveryReportRequest::default()).await.unwrap();
    let report = report.into_inner();
    assert_eq!((report.sent_count, report.dropped_count, report.held_count), (2, 4, 0));
}

#[tokio::test]
async fn what_waits_longest_gets_the_slot_that_frees() {
    let world = World::new().await;
    world.people.add("u1");
    let mut ids = Vec::new();
    for n in 0..4 {
        let request = ScheduleNotificationRequest {
            topic: format!("topic-{n}"),
            expire_after: Some(time::duration_to_proto(TimeDelta::days(30))),
            ..care("u1")
        };
        ids.push(world.schedule(request).await.notification_id);
        world.suite.clock.advance(TimeDelta::seconds(1));
    }
    world.suite.settle().await;
    world.suite.advance(TimeDelta::days(1), TimeDelta::hours(1)).await;
    let mut sent = Vec::new();
    for id in &ids {
        let message = world.get(id).await;
        assert_eq!(message.state(), State::Sent, "{message:#?}");
        sent.push(time::from_proto("", &message.sent_time.unwrap()).unwrap());
    }
    assert!(sent.is_sorted(), "{sent:?}");
    assert!(sent[2] >= at("2026-03-03T08:00:00+08:00"), "the next local day, after the night");
}

#[tokio::test]
async fn no_address_and_expiry_drop_for_good() {
    let world = World::new().await;
    world.people.add("u1");
    let no_address = world.schedule(care("stranger")).await;
    let short = ScheduleNotificationRequest {
        send_time: Some(time::to_proto(at("2026-03-03T01:00:00+08:00"))),
        expire_after: Some(time::duration_to_proto(TimeDelta::hours(2))),
        ..care("u1")
    };
    let too_late = world.schedule(short.clone()).await;
    let missed = world.schedule(short).await;
    world.suite.settle().await;
    assert_state(&world.get(&no_address.notification_id).await, State::Dropped, "NO_ADDRESS");
    world.suite.clock.set(at("2026-03-03T01:00:00+08:00"));
    world.suite.settle().await;
    // The night ends when it is of no use any more: no sense in holding it.
    assert_state(&world.get(&too_late.notification_id).await, State::Dropped, "QUIET_HOURS");
    assert_state(&world.get(&missed.notification_id).await, State::Dropped, "QUIET_HOURS");
    let overslept = world.schedule(ScheduleNotificationRequest {
        expire_after: Some(time::duration_to_proto(TimeDelta::minutes(1))),
        ..care("u1")
    });
    let overslept = overslept.await;
    world.advance(TimeDelta::minutes(1)).await;
    assert_state(&world.get(&overslept.notification_id).await, State::Dropped, "EXPIRED");
}

#[tokio::test]
async fn many_messages_keep_every_rule() {
    let world = World::new().await;
    for n in 0..40 {
        world.people.add(&format!("u{n}"));
    }
    for round in 0..5 {
        for n in 0..40 {
            let channel = if n % 3 == 0 { DeliveryChannel::Inbox } else { DeliveryChannel::Email };
            let request = ScheduleNotificationRequest {
                topic: format!("topic-{}", (n + round) % 4),
                ..care_on(&format!("u{n}"), channel)
            };
            world.schedule(request).await;
        }
        world.suite.advance(TimeDelta::hours(31), TimeDelta::hours(1)).await;
        assert_eq!(world.check().await, Vec::<String>::new());
    }
    let report =
        world.reports().get_delivery_report(GetDeliveryReportRequest::default()).await.unwrap();
    let report = report.into_inner();
    assert_eq!(report.total_count, 200);
    assert!(report.sent_count > 100, "{report:#?}");
    // Nobody got more than two messages on one day of theirs.
    let mut per_day = std::collections::HashMap::new();
    for event in world.suite.events().await {
        if event.r#type.ends_with("NotificationSent") {
            let at = time::from_proto("", &event.time.unwrap()).unwrap();
            let day = (at + TimeDelta::hours(8)).date_naive();
            *per_day.entry((event.subject, day)).or_insert(0) += 1;
        }
    }
    assert!(per_day.values().all(|n| *n <= 2));
}

#[tokio::test]
async fn what_is_due_at_once_does_not_wait_for_the_next_look() {
    let mut world = World::new().await;
    world.people.add("u1");
    let later = world.now() + TimeDelta::hours(1);
    world
        .schedule(ScheduleNotificationRequest {
            send_time: Some(time::to_proto(later)),
            ..care("u1")
        })
        .await;
    assert!(world.woken.wait().now_or_never().is_none(), "nothing is due yet");
    world.schedule(care("u1")).await;
    assert!(world.woken.wait().now_or_never().is_some());
    let requests = vec![care("u2"), care("u3")];
    let request = BatchScheduleNotificationsRequest { requests };
    world.messages().batch_schedule_notifications(request).await.unwrap();
    assert!(world.woken.wait().now_or_never().is_some());
}
