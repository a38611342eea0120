//! NotificationService.

use super::convert;
use crate::app::{App, Ntf, Planning};
use crate::domain::kinds::State;
use crate::store::messages::Filter;
use perennial_platform::commit::Committer;
use perennial_platform::id;
use perennial_platform::idempotency::{Key, Reply};
use perennial_proto::notification::v1::notification_service_server::NotificationService;
use perennial_proto::notification::v1::{
    BatchScheduleNotificationsRequest, BatchScheduleNotificationsResponse,
    CancelNotificationRequest, CancelNotificationResponse, ExplainNotificationRequest,
    ExplainNotificationResponse, GetNotificationRequest, GetNotificationResponse,
    ListDeadLettersRequest, ListDeadLettersResponse, ListNotificationsRequest,
    ListNotificationsResponse, ReplayDeadLetterRequest, ReplayDeadLetterResponse,
    ScheduleNotificationRequest, ScheduleNotificationResponse, ScheduleResult,
};
use tonic::{Request, Response, Status};

/// One name for the single and the bulk call: the same request id means the same wish in both.
const SCHEDULE: &str = "notification.ScheduleNotification";

pub(super) struct Service {
    pub(super) app: App,
    pub(super) planner: Committer<Planning>,
}

impl Service {
    fn key(&self, request: &ScheduleNotificationRequest) -> Option<Key> {
        Key::of(SCHEDULE, &request.request_id, request, &self.app.vault)
    }
}

fn result(answer: Result<Reply<ScheduleResult>, perennial_platform::Error>) -> ScheduleResult {
    match answer {
        Ok(reply) => ScheduleResult { replayed: reply.replayed, ..reply.value },
        Err(error) => ScheduleResult {
            error_reason: error.reason().to_owned(),
            error_message: error.message().to_owned(),
            ..ScheduleResult::default()
        },
    }
}

#[tonic::async_trait]
impl NotificationService for Service {
    async fn schedule_notification(
        &self,
        request: Request<ScheduleNotificationRequest>,
    ) -> Result<Response<ScheduleNotificationResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(&request);
        let now = self.app.clock.now();
        let plan = convert::plan(&request, &self.app.rules, now)?;
        let at_once = plan.send_at <= now;
        let Reply { value, replayed } = self.planner.submit(key, plan).await?;
        if at_once {
            self.app.wake_dispatch();
        }
        let found = self.app.notifications(&value.notification_ids).await?;
        Ok(Response::new(ScheduleNotificationResponse {
            notifications: found.into_iter().map(convert::notification).collect(),
            deduplicated: value.deduplicated,
            replayed,
        }))
    }

    async fn batch_schedule_notifications(
        &self,
        request: Request<BatchScheduleNotificationsRequest>,
    ) -> Result<Response<BatchScheduleNotificationsResponse>, Status> {
        let requests = request.into_inner().requests;
        let now = self.app.clock.now();
        let plans: Vec<_> =
            requests.iter().map(|r| convert::plan(r, &self.app.rules, now)).collect();
        let good = requests.iter().zip(&plans);
        let good = good.filter_map(|(r, p)| Some((self.key(r), p.as_ref().ok()?.clone())));
        let mut answers = self.planner.submit_many(good.collect()).await.into_iter();
        if plans.iter().flatten().any(|plan| plan.send_at <= now) {
            self.app.wake_dispatch();
        }
        let results = plans.into_iter().filter_map(|plan| match plan {
            Ok(_) => answers.next().map(result),
            Err(error) => Some(result(Err(error))),
        });
        Ok(Response::new(BatchScheduleNotificationsResponse { results: results.collect() }))
    }

    async fn cancel_notification(
        &self,
        request: Request<CancelNotificationRequest>,
    ) -> Result<Response<CancelNotificationResponse>, Status> {
        let request = request.into_inner();
        let id = id::parse::<Ntf>("notification_id", &request.notification_id)?;
        let method = "notification.CancelNotification";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let replayed = self.app.cancel(id, key).await?.replayed;
        let notification = Some(convert::notification(self.app.notification(id).await?));
        Ok(Response::new(CancelNotificationResponse { notification, replayed }))
    }

    async fn get_notification(
        &self,
        request: Request<GetNotificationRequest>,
    ) -> Result<Response<GetNotificationResponse>, Status> {
        let id = id::parse::<Ntf>("notification_id", &request.into_inner().notification_id)?;
        let notification = Some(convert::notification(self.app.notification(id).await?));
        Ok(Response::new(GetNotificationResponse { notification }))
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let request = request.into_inner();
        let state = |n: &i32| i16::try_from(*n).ok().and_then(State::from_code);
        let filter = Filter {
            user_id: request.user_id,
            states: request.states.iter().filter_map(state).collect(),
            template: request.template,
            ..Filter::default()
        };
        let (found, next_page_token) =
            self.app.list(&filter, request.page_size, &request.page_token).await?;
        Ok(Response::new(ListNotificationsResponse {
            notifications: found.into_iter().map(convert::notification).collect(),
            next_page_token,
        }))
    }

    async fn explain_notification(
        &self,
        request: Request<ExplainNotificationRequest>,
    ) -> Result<Response<ExplainNotificationResponse>, Status> {
        let request = request.into_inner();
        let id = id::parse::<Ntf>("notification_id", &request.notification_id)?;
        let at = convert::optional_time("at", request.at.as_ref())?;
        Ok(Response::new(convert::explained(self.app.explain(id, at).await?)))
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        let request = request.into_inner();
        let filter = Filter { states: vec![State::Dead], ..Filter::default() };
        let (found, next_page_token) =
            self.app.list(&filter, request.page_size, &request.page_token).await?;
        Ok(Response::new(ListDeadLettersResponse {
            notifications: found.into_iter().map(convert::notification).collect(),
            next_page_token,
        }))
    }

    async fn replay_dead_letter(
        &self,
        request: Request<ReplayDeadLetterRequest>,
    ) -> Result<Response<ReplayDeadLetterResponse>, Status> {
        let request = request.into_inner();
        let id = id::parse::<Ntf>("notification_id", &request.notification_id)?;
        let expire_at = convert::optional_time("expire_time", request.expire_time.as_ref())?;
        let method = "notification.ReplayDeadLetter";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let replayed = self.app.replay(id, expire_at, key).await?.replayed;
        let notification = Some(convert::notification(self.app.notification(id).await?));
        Ok(Response::new(ReplayDeadLetterResponse { notification, replayed }))
    }
}
