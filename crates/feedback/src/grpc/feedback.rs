//! FeedbackService.

use super::{convert, show};
use crate::app::{App, Page};
use crate::store::feedback::Filter;
use perennial_platform::id;
use perennial_platform::idempotency::Key;
use perennial_proto::feedback::v1::feedback_service_server::FeedbackService;
use perennial_proto::feedback::v1::{
    GetFeedbackRequest, GetFeedbackResponse, ListFeedbackRequest, ListFeedbackResponse,
    SubmitFeedbackRequest, SubmitFeedbackResponse,
};
use tonic::{Request, Response, Status};

/// FeedbackService over the use cases.
pub(crate) struct Feedback(pub(crate) App);

#[tonic::async_trait]
impl FeedbackService for Feedback {
    async fn submit_feedback(
        &self,
        request: Request<SubmitFeedbackRequest>,
    ) -> Result<Response<SubmitFeedbackResponse>, Status> {
        let request = request.into_inner();
        let vault = &self.0.core.vault;
        let key = Key::of("feedback.SubmitFeedback", &request.request_id, &request, vault);
        let submission = convert::submission(request)?;
        let reply = self.0.intake.submit(key, submission).await?;
        let replayed = reply.replayed || reply.value.replayed;
        Ok(Response::new(SubmitFeedbackResponse { replayed, ..reply.value }))
    }

    async fn get_feedback(
        &self,
        request: Request<GetFeedbackRequest>,
    ) -> Result<Response<GetFeedbackResponse>, Status> {
        let id = id::parse("feedback_id", &request.get_ref().feedback_id)?;
        let feedback = Some(show::feedback(self.0.feedback(id).await?));
        Ok(Response::new(GetFeedbackResponse { feedback }))
    }

    async fn list_feedback(
        &self,
        request: Request<ListFeedbackRequest>,
    ) -> Result<Response<ListFeedbackResponse>, Status> {
        let request = request.get_ref();
        let filter = Filter {
            user_id: convert::given(&request.user_id),
            channel: convert::optional(request.channel),
            category: convert::optional(request.category),
        };
        let page = Page { size: request.page_size, token: &request.page_token };
        let (list, next_page_token) = self.0.list_feedback(filter, page).await?;
        let feedback = list.into_iter().map(show::feedback).collect();
        Ok(Response::new(ListFeedbackResponse { feedback, next_page_token }))
    }
}
