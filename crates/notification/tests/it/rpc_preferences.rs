//! PreferenceService: what is chosen is respected at the moment of sending.

use crate::world::{World, assert_state, at, care};
use perennial_proto::notification::v1::{
    Choice, DeliveryChannel, GetPreferencesRequest, MessageClass, NotificationState as State,
    PreferenceChanged, Preferences, QuietHours, ScheduleNotificationRequest, SetPreferencesRequest,
    UnsubscribeRequest,
};
use prost_types::FieldMask;
use tonic::{Code, Status};

async fn set(
    world: &World,
    preferences: Preferences,
    mask: &[&str],
) -> Result<Preferences, Status> {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let request = SetPreferencesRequest {
        user_id: "u1".to_owned(),
        preferences: Some(preferences),
        update_mask: Some(FieldMask { paths }),
        request_id: String::new(),
    };
    Ok(world.preferences().set_preferences(request).await?.into_inner().preferences.unwrap())
}

fn out_of(topic: &str, channel: DeliveryChannel) -> Choice {
    Choice { topic: topic.to_owned(), channel: channel.into(), ..Default::default() }
}

fn quiet(start: &str, end: &str) -> QuietHours {
    QuietHours { start: start.to_owned(), end: end.to_owned(), off: false }
}

#[tokio::test]
async fn an_opt_out_bites_after_planning_and_for_every_class() {
    let world = World::new().await;
    world.people.add("u1");
    let marketing = world.schedule(care("u1")).await;
    let transactional =
        ScheduleNotificationRequest { class: MessageClass::Transactional.into(), ..care("u1") };
    let transactional = world.schedule(transactional).await;
    let choices = vec![out_of("care", DeliveryChannel::Email)];
    set(&world, Preferences { choices, ..Default::default() }, &[]).await.unwrap();
    world.suite.settle().await;
    for message in [marketing, transactional] {
        assert_state(&world.get(&message.notification_id).await, State::Dropped, "OPTED_OUT");
    }
    let told = world.suite.events_of::<PreferenceChanged>().await;
    assert_eq!((told.len(), told[0].opted_in, told[0].topic.as_str()), (1, false, "care"));
}

#[tokio::test]
async fn the_mask_says_what_changes() {
    let world = World::new().await;
    let all = Preferences {
        choices: vec![out_of("care", DeliveryChannel::Unspecified)],
        quiet_hours: Some(quiet("21:00", "09:30")),
        time_zone: "Europe/Berlin".to_owned(),
        ..Default::default()
    };
    set(&world, all, &[]).await.unwrap();
    let more = Preferences {
        choices: vec![out_of("news", DeliveryChannel::Email)],
        time_zone: "Asia/Tokyo".to_owned(),
        ..Default::default()
    };
    let now = set(&world, more, &["choices"]).await.unwrap();
    assert_eq!((now.choices.len(), now.time_zone.as_str()), (2, "Europe/Berlin"));
    let now = set(&world, Preferences::default(), &["quiet_hours"]).await.unwrap();
    assert_eq!((now.quiet_hours, now.choices.len()), (None, 2));
    let now = set(&world, Preferences::default(), &["*"]).await.unwrap();
    assert_eq!((now.choices.len(), now.time_zone.as_str()), (0, ""));
    let unknown = set(&world, Preferences::default(), &["colour"]).await.unwrap_err();
    assert!(unknown.message().contains("colour"));
    let empty = Preferences { quiet_hours: Some(quiet("08:00", "08:00")), ..Default::default() };
    assert_eq!(set(&world, empty, &[]).await.unwrap_err().code(), Code::InvalidArgument);
    let twice = vec![out_of("a", DeliveryChannel::Email), out_of("a", DeliveryChannel::Email)];
    let twice = Preferences { choices: twice, ..Default::default() };
    assert_eq!(set(&world, twice, &[]).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn own_quiet_hours_and_zone_hold_even_when_changed_meanwhile() {
    let world = World::new().await;
    world.people.add("u1");
    let own = Preferences { quiet_hours: Some(quiet("11:00", "14:00")), ..Default::default() };
    set(&world, own, &[]).await.unwrap();
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    let held = world.get(&message.notification_id).await;
    assert_state(&held, State::Held, "QUIET_HOURS");
    // At 14:15 the nap is over in Shanghai, but the user has moved to where it is 11:45.
    let moved = Preferences { time_zone: "Asia/Kathmandu".to_owned(), ..Default::default() };
    set(&world, moved, &["time_zone"]).await.unwrap();
    world.suite.clock.set(at("2026-03-02T14:15:00+08:00"));
    world.suite.settle().await;
    let held = world.get(&message.notification_id).await;
    assert_state(&held, State::Held, "QUIET_HOURS");
    assert_eq!(held.holds, 2);
    let none = QuietHours { off: true, ..Default::default() };
    set(&world, Preferences { quiet_hours: Some(none), ..Default::default() }, &["quiet_hours"])
        .await
        .unwrap();
    world.suite.settle().await;
    let sent = world.get(&message.notification_id).await;
    assert_state(&sent, State::Sent, "");
}

#[tokio::test]
async fn one_step_unsubscribing_works_from_a_real_mail_and_tells_nothing() {
    let world = World::new().await;
    world.people.add("u1");
    world.schedule(care("u1")).await;
    world.suite.settle().await;
    let (_, mail) = world.mails().remove(0);
    let header = |name: &str| {
        let unfolded = mail.replace("\r\n ", " ");
        let line = unfolded.lines().find(|l| l.starts_with(name)).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{name} in {mail}"))
    };
    assert_eq!(
        header("List-Unsubscribe-Post"),
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    );
    let link = header("List-Unsubscribe:");
    let token = link.split("token=").nth(1).unwrap().trim_end_matches('>').to_owned();
    assert!(!link.contains("u1"), "the link names nobody: {link}");

    let unsubscribe = async |token: &str| {
        let request = UnsubscribeRequest { token: token.to_owned(), request_id: String::new() };
        world.preferences().unsubscribe(request).await
    };
    let other = if &token[30..31] == "A" { "B" } else { "A" };
    let forged = format!("{}{other}{}", &token[..30], &token[31..]);
    assert!(unsubscribe(&forged).await.is_ok() && unsubscribe("nonsense").await.is_ok());
    let request = GetPreferencesRequest { user_id: "u1".to_owned() };
    let before = world.preferences().get_preferences(request.clone()).await.unwrap();
    assert_eq!(before.into_inner().preferences.unwrap().choices.len(), 0);

    unsubscribe(&token).await.unwrap();
    let after = world.preferences().get_preferences(request).await.unwrap().into_inner();
    let choice = after.preferences.unwrap().choices.remove(0);
    assert_eq!((choice.topic.as_str(), choice.channel()), ("care", DeliveryChannel::Email));
    let next = world.schedule(care("u1")).await;
    world.suite.settle().await;
    assert_state(&world.get(&next.notification_id).await, State::Dropped, "OPTED_OUT");
}
