//! E-mail by SMTP: a conversation on a real socket.

use crate::world::{World, assert_state, care};
use chrono::TimeDelta;
use perennial_notification::Config;
use perennial_notification::domain::kinds::State as Stored;
use perennial_notification::store::messages;
use perennial_proto::notification::v1::NotificationState as State;
use secrecy::SecretString;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server for one recipient's fate: what it answers to RCPT TO.
#[derive(Clone)]
struct MailServer {
    url: String,
    recipient: Arc<Mutex<&'static str>>,
    /// Before each answer.
    pause: Arc<Mutex<Duration>>,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    #[expect(clippy::disallowed_methods, reason = "a test server outside of any host")]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("smtp://{}", listener.local_addr().unwrap()),
            recipient: Arc::new(Mutex::new("250 OK")),
            pause: Arc::default(),
            mails: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let one = serving.clone();
                tokio::spawn(async move { one.converse(socket).await });
            }
        });
        server
    }

    /// RFC 5321 as far as one mail needs it.
    async fn converse(&self, socket: TcpStream) -> std::io::Result<()> {
        let mut socket = BufReader::new(socket);
        socket.write_all(b"220 test\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if socket.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or_default().to_uppercase();
            let recipient = *self.recipient.lock().unwrap();
            let answer = match verb.as_str() {
                "EHLO" | "MAIL" | "RSET" | "NOOP" => "250 OK",
                "RCPT" => recipient,
                "DATA" => {
                    socket.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        socket.read_line(&mut mail).await?;
                    }
                    self.mails.lock().unwrap().push(mail);
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "500 what?",
            };
            let pause = *self.pause.lock().unwrap();
            tokio::time::sleep(pause).await;
            socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

async fn world() -> (World, MailServer) {
    patient(30).await
}

/// With so many seconds for a mail.
async fn patient(seconds: u32) -> (World, MailServer) {
    world_with(|config| config.email.timeout_seconds = seconds).await
}

/// With other settings.
async fn world_with(adjust: impl FnOnce(&mut Config)) -> (World, MailServer) {
    let server = MailServer::start().await;
    let url = SecretString::from(server.url.clone());
    let world = World::with(|config| {
        config.email.smtp_url = Some(url);
        config.retry.jitter_percent = 0;
        adjust(config);
    })
    .await;
    world.people.add("u1");
    (world, server)
}

#[tokio::test]
async fn a_mail_reaches_the_server() {
    let (world, server) = world().await;
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    assert_state(&world.get(&message.notification_id).await, State::Sent, "");
    let mail = server.mails.lock().unwrap().remove(0);
    assert!(mail.contains(&format!("Message-ID: <{}@", message.notification_id)), "{mail}");
    assert!(mail.contains("To: \"Name of u1\" <u1@example.org>"), "{mail}");
}

#[tokio::test]
async fn a_passing_refusal_is_tried_again_and_a_final_one_is_not() {
    let (world, server) = world().await;
    *server.recipient.lock().unwrap() = "451 u1@example.org is busy";
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    let failed = world.get(&message.notification_id).await;
    assert_state(&failed, State::Failed, "");
    assert_eq!(failed.last_error, "the mail server answered 451", "no address is kept");
    *server.recipient.lock().unwrap() = "550 no such user";
    world.advance(TimeDelta::seconds(5)).await;
    assert_state(&world.get(&message.notification_id).await, State::Dead, "REJECTED");
    assert!(server.mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_answers_every_word_late_does_not_hold_a_mail_for_ever() {
    let (world, server) = patient(2).await;
    // Each answer is in time; together they are not.
    *server.pause.lock().unwrap() = Duration::from_millis(700);
    let message = world.schedule(care("u1")).await;
    world.suite.settle().await;
    let failed = world.get(&message.notification_id).await;
    assert_state(&failed, State::Failed, "");
    assert_eq!(failed.last_error, "the mail server did not answer in time");
    *server.pause.lock().unwrap() = Duration::ZERO;
    world.advance(TimeDelta::seconds(60)).await;
    // Not over the connection that was given up in the middle of a conversation.
    assert_state(&world.get(&message.notification_id).await, State::Sent, "");
    assert_eq!(server.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_process_that_is_to_stop_ends_the_mail_it_has_begun_and_begins_no_other() {
    let (world, server) = world_with(|config| {
        config.dispatch.concurrency = 1;
        config.dispatch.batch = 4;
    })
    .await;
    *server.pause.lock().unwrap() = Duration::from_millis(100);
    for user in ["u1", "u2", "u3", "u4"] {
        world.people.add(user);
        world.schedule(care(user)).await;
    }
    let stop_at_the_first = async {
        while server.mails.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Its server has the mail and has not said so yet.
        world.suite.process().tasks().stop();
    };
    futures::future::join(world.suite.turn(), stop_at_the_first).await;
    assert_eq!(server.mails.lock().unwrap().len(), 1);
    // The others are as if they had never been claimed: nobody waits for their leases, nobody
    // wonders whether they were sent.
    let all =
        messages::list(world.db().read(), &messages::Filter::default(), None, 10).await.unwrap();
    let count = |state| all.iter().filter(|message| message.state == state).count();
    assert_eq!((count(Stored::Sent), count(Stored::Scheduled)), (1, 3), "{all:#?}");
    for message in all.iter().filter(|message| message.state == Stored::Scheduled) {
        assert!(message.claim.is_none() && !message.maybe_sent && message.slot_at.is_none());
        assert_eq!((message.attempts, message.due_at), (0, Some(world.now())));
    }
}
