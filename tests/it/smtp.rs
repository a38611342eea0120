//! Mail against a real SMTP server (aiosmtpd): what arrives is what a mail program understands.

use perennial_proto::identity::v1::{Profile, UpsertProfileRequest};
use perennial_proto::notification::v1::{
    DeliveryChannel, GetNotificationRequest, MessageClass, NotificationState,
    ScheduleNotificationRequest,
};
use perennial_testkit::free_port;
use perennial_tests::Setup;
use perennial_tests::programs::Program;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that keeps each mail in a folder.
fn server(port: u16, folder: &TempDir) -> Program {
    let mut command = Command::new("aiosmtpd");
    command.args(["-n", "-l", &format!("127.0.0.1:{port}"), "-c", "aiosmtpd.handlers.Mailbox"]);
    command.arg(folder.path().join("mail"));
    Program::start(&mut command, port)
}

fn mails(folder: &TempDir) -> Vec<PathBuf> {
    let new = folder.path().join("mail/new");
    std::fs::read_dir(new).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn a_mail_arrives_once_and_the_outage_before_it_is_waited_out() {
    let (port, folder) = (free_port(), TempDir::new().unwrap());
    let settings = format!(
        "[notification]\nquiet_hours.enabled = false\nretry.delays_seconds = [1, 1, 1, 1, 1, 1]\n\
         [notification.email]\nsmtp_url = \"smtp://127.0.0.1:{port}\"\ntimeout_seconds = 2\n"
    );
    let setup = Setup::fresh().await.with(&settings);
    let running = setup.start().await;
    let clients = running.clients();
    let profile = Profile {
        user_id: "ada".into(),
        email: "ada@example.com".into(),
        locale: "zh-CN".into(),
        display_name: "艾达".into(),
        ..Profile::default()
    };
    let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
    clients.profiles.clone().upsert_profile(request).await.unwrap();
    let request = ScheduleNotificationRequest {
        user_id: "ada".into(),
        template: "inactivity".into(),
        topic: "reminder".into(),
        channels: vec![DeliveryChannel::Email.into()],
        class: MessageClass::Transactional.into(),
        ..ScheduleNotificationRequest::default()
    };
    let planned =
        clients.notifications.clone().schedule_notification(request).await.unwrap().into_inner();
    let notification_id = planned.notifications[0].notification_id.clone();

    // Nobody listens at first; then somebody does.
    let get = async || {
        let request = GetNotificationRequest { notification_id: notification_id.clone() };
        let answer = clients.notifications.clone().get_notification(request).await.unwrap();
        answer.into_inner().notification.unwrap()
    };
    wait(async || get().await.attempts > 0).await;
    let _server = server(port, &folder);
    wait(async || get().await.state() == NotificationState::Sent).await;

    let mails = mails(&folder);
    assert_eq!(mails.len(), 1, "{mails:?}");
    let text = std::fs::read_to_string(&mails[0]).unwrap();
    for header in ["Message-ID: <", "To: ", "From: ", "Subject: ", "List-Unsubscribe: <https://"] {
        assert!(text.contains(header), "{header} is missing in\n{text}");
    }
    assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{text}");
}

async fn wait(holds: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < until, "it never came true");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
