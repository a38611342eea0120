//! A running service and what surrounds it in a test.

use crate::people::People;
use chrono::{DateTime, TimeDelta, Utc};
use perennial_notification::app::App;
use perennial_notification::{Config, assemble};
use perennial_platform::db::Db;
use perennial_platform::events::Peer;
use perennial_platform::wake::WakeListener;
use perennial_proto::notification::v1::inbox_service_client::InboxServiceClient;
use perennial_proto::notification::v1::notification_service_client::NotificationServiceClient;
use perennial_proto::notification::v1::preference_service_client::PreferenceServiceClient;
use perennial_proto::notification::v1::report_service_client::ReportServiceClient;
use perennial_proto::notification::v1::template_service_client::TemplateServiceClient;
use perennial_proto::notification::v1::{
    DeliveryChannel, GetNotificationRequest, ListNotificationsRequest, MessageClass, Notification,
    NotificationState, ScheduleNotificationRequest,
};
use perennial_testkit::Suite;
use std::path::PathBuf;
use tonic::transport::Channel;

pub(crate) struct World {
    pub(crate) suite: Suite,
    pub(crate) people: People,
    pub(crate) app: App,
    pub(crate) config: Config,
    pub(crate) outbox: PathBuf,
    /// Hears what wakes the job that works off due messages.
    pub(crate) woken: WakeListener,
    _folder: tempfile::TempDir,
}

/// 2 March 2026, noon in Shanghai: nobody sleeps.
pub(crate) fn noon() -> DateTime<Utc> {
    at("2026-03-02T12:00:00+08:00")
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With other settings.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let outbox = folder.path().join("outbox");
        let mut config = Config::default();
        config.email.folder.clone_from(&outbox);
        adjust(&mut config);
        let people = People::default();
        let mut app = None;
        let mut used = None;
        let mut woken = None;
        let suite = Suite::builder(Peer::Notification)
            .log(Peer::Identity, people.serve().await)
            .at(noon())
            .start(async |host, database| {
                let config = Config { database, ..config };
                used = Some(config.clone());
                woken = Some(host.wake().listen("job:notification.dispatch"));
                app = Some(assemble(config, host).await?);
                Ok(())
            })
            .await;
        let (app, config, woken) = (app.unwrap(), used.unwrap(), woken.unwrap());
        Self { suite, people, app, config, outbox, woken, _folder: folder }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.app.db
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.suite.clock.now()
    }

    pub(crate) async fn advance(&self, by: TimeDelta) {
        self.suite.clock.advance(by);
        self.suite.settle().await;
    }

    pub(crate) fn messages(&self) -> NotificationServiceClient<Channel> {
        NotificationServiceClient::new(self.suite.channel())
    }

    pub(crate) fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.suite.channel())
    }

    pub(crate) fn preferences(&self) -> PreferenceServiceClient<Channel> {
        PreferenceServiceClient::new(self.suite.channel())
    }

    pub(crate) fn inbox(&self) -> InboxServiceClient<Channel> {
        InboxServiceClient::new(self.suite.channel())
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.suite.channel())
    }

    /// Plans one message and answers it.
    pub(crate) async fn schedule(&self, request: ScheduleNotificationRequest) -> Notification {
        let answer = self.messages().schedule_notification(request).await.unwrap();
        answer.into_inner().notifications.remove(0)
    }

    pub(crate) async fn get(&self, notification_id: &str) -> Notification {
        let request = GetNotificationRequest { notification_id: notification_id.to_owned() };
        let answer = self.messages().get_notification(request).await.unwrap();
        answer.into_inner().notification.unwrap()
    }

    /// Messages of a user that a trigger planned, oldest first.
    pub(crate) async fn triggered(&self, user_id: &str, trigger: &str) -> Vec<Notification> {
        let request =
            ListNotificationsRequest { user_id: user_id.to_owned(), ..Default::default() };
        let answer = self.messages().list_notifications(request).await.unwrap().into_inner();
        let mut found = answer.notifications;
        found.retain(|message| message.trigger == trigger);
        found.reverse();
        found
    }

    /// Mails in the folder, by file name.
    pub(crate) fn mails(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let Ok(days) = std::fs::read_dir(&self.outbox) else { return found };
        for day in days {
            for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
        found.sort();
        found
    }

    /// What `perennial check` finds.
    pub(crate) async fn check(&self) -> Vec<String> {
        perennial_notification::check(&self.config, self.db(), self.now()).await.unwrap()
    }
}

/// A care message by e-mail.
pub(crate) fn care(user_id: &str) -> ScheduleNotificationRequest {
    ScheduleNotificationRequest {
        user_id: user_id.to_owned(),
        template: "care".to_owned(),
        topic: "care".to_owned(),
        channels: vec![DeliveryChannel::Email.into()],
        class: MessageClass::Marketing.into(),
        ..Default::default()
    }
}

/// As [`care`] on another channel.
pub(crate) fn care_on(user_id: &str, channel: DeliveryChannel) -> ScheduleNotificationRequest {
    ScheduleNotificationRequest { channels: vec![channel.into()], ..care(user_id) }
}

#[track_caller]
pub(crate) fn assert_state(message: &Notification, state: NotificationState, reason: &str) {
    assert_eq!((message.state(), message.reason.as_str()), (state, reason), "{message:#?}");
}
