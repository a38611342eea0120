//! Signed webhooks against a real HTTP listener: signature, retries, dead letters.

use crate::gateway::Gateway;
use crate::world::{World, assert_state, care_on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use perennial_notification::{Config, assemble};
use perennial_platform::time;
use perennial_proto::notification::v1::{
    DeliveryChannel, ListDeadLettersRequest, Notification, NotificationFailed,
    NotificationState as State, ReplayDeadLetterRequest,
};
use ring::hmac;
use secrecy::SecretString;
use std::time::Duration;
use tonic::Code;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn through(config: &mut Config, gateway: &Gateway) {
    config.webhook.url.clone_from(&gateway.url);
    config.webhook.secrets = vec![SecretString::from(SECRET)];
    config.webhook.allow_private_networks = true;
    config.retry.jitter_percent = 0;
    config.quiet_hours.enabled = false;
}

async fn world() -> (World, Gateway) {
    let gateway = Gateway::start().await;
    let world = World::with(|config| through(config, &gateway)).await;
    world.people.add("u1");
    (world, gateway)
}

async fn push(world: &World) -> Notification {
    let message = world.schedule(care_on("u1", DeliveryChannel::Webhook)).await;
    world.suite.settle().await;
    world.get(&message.notification_id).await
}

#[tokio::test]
async fn a_call_carries_a_signature_that_verifies() {
    let (world, gateway) = world().await;
    let message = push(&world).await;
    assert_state(&message, State::Sent, "");
    let call = gateway.calls().remove(0);
    let id = &call.headers["webhook-id"];
    let timestamp = &call.headers["webhook-timestamp"];
    assert_eq!((id, timestamp), (&message.notification_id, &world.now().timestamp().to_string()));
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend(&call.body);
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = call.headers["webhook-signature"].strip_prefix("v1,").unwrap();
    hmac::verify(&key, &signed, &STANDARD.decode(signature).unwrap()).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["type"], "notification.send");
    assert_eq!(body["data"]["subject"], "How have you been?");
}

#[tokio::test]
async fn a_failure_is_tried_again_with_the_same_id_after_its_wait() {
    let (world, gateway) = world().await;
    gateway.answer(&["500 Oops", "503 Busy\r\nretry-after: 400"]);
    let failed = push(&world).await;
    assert_state(&failed, State::Failed, "");
    assert_eq!(failed.last_error, "the gateway answered 500");
    world.advance(TimeDelta::seconds(4)).await;
    assert_eq!(gateway.calls().len(), 1, "five seconds are not over");
    world.advance(TimeDelta::seconds(1)).await;
    let again = world.get(&failed.notification_id).await;
    let next = time::from_proto("", &again.next_time.unwrap()).unwrap();
    assert_eq!(next - world.now(), TimeDelta::seconds(400), "as asked, within 300 to 600");
    world.advance(TimeDelta::seconds(400)).await;
    assert_state(&world.get(&failed.notification_id).await, State::Sent, "");
    let ids: Vec<_> = gateway.calls().iter().map(|c| c.headers["webhook-id"].clone()).collect();
    assert_eq!(ids, [failed.notification_id.as_str(); 3]);
    let stamps: Vec<_> =
        gateway.calls().iter().map(|c| c.headers["webhook-timestamp"].clone()).collect();
    assert!(stamps[0] < stamps[1] && stamps[1] < stamps[2], "of the attempt: {stamps:?}");
    assert_eq!(world.check().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rejection_is_dead_gives_its_slot_back_and_can_be_replayed() {
    let (world, gateway) = world().await;
    gateway.answer(&["410 Gone", "302 Found\r\nlocation: /elsewhere"]);
    let dead = push(&world).await;
    assert_state(&dead, State::Dead, "REJECTED");
    let second = push(&world).await;
    assert_state(&second, State::Dead, "REJECTED");
    assert_eq!(gateway.calls().len(), 2, "a redirect is not followed");
    for _ in 0..2 {
        assert_state(&push(&world).await, State::Sent, "");
    }
    assert_state(&push(&world).await, State::Held, "CAP");
    assert_eq!(world.suite.events_of::<NotificationFailed>().await.len(), 2);

    let list = world.messages().list_dead_letters(ListDeadLettersRequest::default()).await;
    assert_eq!(list.unwrap().into_inner().notifications.len(), 2);
    let replay = ReplayDeadLetterRequest {
        notification_id: dead.notification_id.clone(),
        request_id: "again".to_owned(),
        ..Default::default()
    };
    world.messages().replay_dead_letter(replay.clone()).await.unwrap();
    world.advance(TimeDelta::days(1)).await;
    assert_state(&world.get(&dead.notification_id).await, State::Sent, "");
    let twice = world.messages().replay_dead_letter(replay.clone()).await.unwrap();
    assert!(twice.into_inner().replayed);
    let fresh = ReplayDeadLetterRequest { request_id: String::new(), ..replay };
    let error = world.messages().replay_dead_letter(fresh).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_retried_replay_gets_its_answer_after_its_own_expiry() {
    let (world, gateway) = world().await;
    gateway.answer(&["410 Gone"]);
    let dead = push(&world).await;
    let replay = ReplayDeadLetterRequest {
        notification_id: dead.notification_id,
        expire_time: Some(time::to_proto(world.now() + TimeDelta::hours(1))),
        request_id: "again".to_owned(),
    };
    let mut client = world.messages();
    client.replay_dead_letter(replay.clone()).await.unwrap();
    world.advance(TimeDelta::hours(2)).await;
    assert!(client.replay_dead_letter(replay.clone()).await.unwrap().into_inner().replayed);
    let fresh = ReplayDeadLetterRequest { request_id: "once more".to_owned(), ..replay };
    let error = client.replay_dead_letter(fresh).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_was_handed_over_is_recorded_while_others_still_wait() {
    let gateway = Gateway::start().await;
    let world = World::with(|config| {
        through(config, &gateway);
        (config.dispatch.batch, config.dispatch.concurrency) = (4, 2);
    })
    .await;
    gateway.answer(&["200 OK", Gateway::SILENCE]);
    let mut ids = Vec::new();
    for user in ["u1", "u2", "u3", "u4"] {
        world.people.add(user);
        let message = world.schedule(care_on(user, DeliveryChannel::Webhook)).await;
        ids.push(message.notification_id);
    }
    let recorded = async {
        loop {
            let mut sent = 0;
            for id in &ids {
                sent += usize::from(world.get(id).await.state() == State::Sent);
            }
            if sent == 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = world.suite.settle() => panic!("the gateway owes an answer"),
        () = recorded => {}
    }
}

#[tokio::test]
async fn eight_attempts_and_then_the_dead_letters() {
    let (world, gateway) = world().await;
    gateway.answer(&["500 Oops"; 20]);
    let message = push(&world).await;
    world.suite.advance(TimeDelta::hours(40), TimeDelta::minutes(5)).await;
    let dead = world.get(&message.notification_id).await;
    assert_state(&dead, State::Dead, "RETRIES_USED_UP");
    assert_eq!((dead.attempts, gateway.calls().len()), (8, 8));
    assert_eq!(world.check().await, Vec::<String>::new());
}

#[tokio::test]
async fn private_addresses_are_out_of_reach_unless_allowed() {
    let gateway = Gateway::start().await;
    // By its name, the address is known only when the connection is made.
    let by_name = gateway.url.replace("127.0.0.1", "localhost");
    let world = World::with(|config| {
        through(config, &gateway);
        config.webhook.url = by_name;
        config.webhook.allow_private_networks = false;
    })
    .await;
    world.people.add("u1");
    let message = push(&world).await;
    assert_state(&message, State::Failed, "");
    assert_eq!(message.last_error, "the gateway cannot be reached");
    assert!(gateway.calls().is_empty());

    let mut config = Config::default();
    through(&mut config, &gateway);
    config.webhook.allow_private_networks = false;
    let refused = perennial_testkit::Suite::builder(perennial_platform::events::Peer::Notification)
        .start(async |host, database| {
            let refused = assemble(Config { database: database.clone(), ..config }, host).await;
            assert!(refused.err().unwrap().to_string().contains("not a public address"));
            Ok(())
        });
    refused.await;
}
