//! InboxService.

use crate::app::render::Rendered;
use crate::app::{App, NotificationId, Ntf};
use crate::domain::notification::Notification;
use perennial_platform::idempotency::Key;
use perennial_platform::{id, time};
use perennial_proto::notification::v1::inbox_service_server::InboxService;
use perennial_proto::notification::v1::{
    InboxMessage, ListMessagesRequest, ListMessagesResponse, MarkReadRequest, MarkReadResponse,
};
use tonic::{Request, Response, Status};

pub(super) struct Service {
    pub(super) app: App,
}

#[tonic::async_trait]
impl InboxService for Service {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let request = request.into_inner();
        let (size, token) = (request.page_size, &request.page_token);
        let page = self.app.inbox(&request.user_id, request.unread_only, size, token).await?;
        Ok(Response::new(ListMessagesResponse {
            messages: page.messages.into_iter().map(shown).collect(),
            next_page_token: page.next_page_token,
            unread_count: i32::try_from(page.unread).unwrap_or(i32::MAX),
        }))
    }

    async fn mark_read(
        &self,
        request: Request<MarkReadRequest>,
    ) -> Result<Response<MarkReadResponse>, Status> {
        let request = request.into_inner();
        let ids = request
            .notification_ids
            .iter()
            .map(|text| Ok(id::parse::<Ntf>("notification_ids", text)?.uuid()))
            .collect::<Result<Vec<_>, Status>>()?;
        let method = "notification.MarkRead";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let reply = self.app.mark_read(&request.user_id, &ids, key).await?;
        Ok(Response::new(MarkReadResponse { replayed: reply.replayed, ..reply.value }))
    }
}

fn shown((message, rendered): (Notification, Rendered)) -> InboxMessage {
    InboxMessage {
        notification_id: NotificationId::from(message.id).to_string(),
        topic: message.topic,
        subject: rendered.text.subject,
        body: rendered.text.body,
        locale: rendered.locale,
        sent_time: message.sent_at.map(time::to_proto),
        read_time: message.read_at.map(time::to_proto),
    }
}
