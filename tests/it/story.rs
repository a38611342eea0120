//! One customer of a suite in simulated time, and what happens to them.

use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::time::{from_proto, to_proto};
use perennial_proto::admin::v1::{AdvanceRequest, GetTimeRequest};
use perennial_proto::feedback::v1::{
    Category, Channel, SubmitFeedbackRequest, SubmitFeedbackResponse,
};
use perennial_proto::identity::v1::{
    Activity, ActivityKind, GetChurnRiskRequest, GetChurnRiskResponse, Profile, TrackRequest,
    UpsertProfileRequest,
};
use perennial_proto::notification::v1::{
    DeliveryChannel, ListNotificationsRequest, MessageClass, Notification,
    ScheduleNotificationRequest,
};
use perennial_proto::types::v1::Money;
use perennial_tests::{Clients, Running, Setup};

/// Monday, ten in the morning in Shanghai.
const START: &str = "2026-01-05T02:00:00Z";

/// A suite in simulated time and one customer.
pub(crate) struct Story {
    pub(crate) setup: Setup,
    _running: Running,
    pub(crate) clients: Clients,
}

pub(crate) const ADA: &str = "ada";

impl Story {
    pub(crate) async fn begin() -> Self {
        let setup = Setup::fresh().await.simulated(START);
        let running = setup.start().await;
        let clients = running.clients();
        let profile = Profile {
            user_id: ADA.into(),
            display_name: "Ada".into(),
            email: "ada@example.com".into(),
            locale: "en".into(),
            time_zone: "Asia/Shanghai".into(),
            ..Profile::default()
        };
        let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
        clients.profiles.clone().upsert_profile(request).await.unwrap();
        Self { setup, _running: running, clients }
    }

    pub(crate) async fn now(&self) -> DateTime<Utc> {
        let answer = self.clients.clock.clone().get_time(GetTimeRequest {}).await.unwrap();
        from_proto("time", &answer.into_inner().time.unwrap()).unwrap()
    }

    /// Lets time pass in steps of a day, and all work be done that falls due.
    pub(crate) async fn pass(&self, by: TimeDelta) {
        let to = Some(to_proto(self.now().await + by));
        let request = AdvanceRequest { to, ..AdvanceRequest::default() };
        self.clients.clock.clone().advance(request).await.unwrap();
    }

    /// Lets all work be done that is due now.
    pub(crate) async fn settle(&self) {
        self.pass(TimeDelta::zero()).await;
    }

    pub(crate) async fn track(&self, kind: ActivityKind, id: &str, cents: i64) {
        self.track_of(ADA, kind, id, cents).await;
    }

    /// Somebody else does something.
    pub(crate) async fn track_of(&self, user: &str, kind: ActivityKind, id: &str, cents: i64) {
        let amount = (cents > 0).then(|| Money { currency: "CNY".into(), minor_units: cents });
        let activity = Activity {
            user_id: user.into(),
            kind: kind.into(),
            occur_time: Some(to_proto(self.now().await)),
            amount,
            source: "shop".into(),
            source_event_id: id.into(),
            object: id.into(),
            ..Activity::default()
        };
        let request = TrackRequest { activities: vec![activity], ..TrackRequest::default() };
        let answer = self.clients.activities.clone().track(request).await.unwrap().into_inner();
        assert_eq!(answer.recorded, 1, "{answer:?}");
    }

    pub(crate) async fn submit(&self, category: Category) -> SubmitFeedbackResponse {
        let request = SubmitFeedbackRequest {
            user_id: ADA.into(),
            channel: Channel::Form.into(),
            category: category.into(),
            text: "Saving fails in row 5".into(),
            ..SubmitFeedbackRequest::default()
        };
        self.clients.feedback.clone().submit_feedback(request).await.unwrap().into_inner()
    }

    pub(crate) async fn risk(&self) -> GetChurnRiskResponse {
        let request = GetChurnRiskRequest { user_id: ADA.into() };
        self.clients.insights.clone().get_churn_risk(request).await.unwrap().into_inner()
    }

    /// Messages from a template, newest first.
    pub(crate) async fn messages(&self, template: &str) -> Vec<Notification> {
        let request = ListNotificationsRequest {
            user_id: ADA.into(),
            template: template.into(),
            ..ListNotificationsRequest::default()
        };
        let list = self.clients.notifications.clone().list_notifications(request).await.unwrap();
        list.into_inner().notifications
    }

    pub(crate) async fn only_message(&self, template: &str) -> Notification {
        let mut messages = self.messages(template).await;
        assert_eq!(messages.len(), 1, "{template}: {messages:?}");
        messages.remove(0)
    }

    /// Plans a marketing message to the inbox.
    pub(crate) async fn schedule(&self) -> Notification {
        let request = ScheduleNotificationRequest {
            user_id: ADA.into(),
            template: "inactivity".into(),
            topic: "news".into(),
            channels: vec![DeliveryChannel::Inbox.into()],
            class: MessageClass::Marketing.into(),
            ..ScheduleNotificationRequest::default()
        };
        let answer = self.clients.notifications.clone().schedule_notification(request).await;
        answer.unwrap().into_inner().notifications.remove(0)
    }
}
