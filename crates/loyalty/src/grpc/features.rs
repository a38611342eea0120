//! FeatureService.

use crate::app::App;
use crate::app::benefits::message;
use crate::app::features::UnlockCursor;
use crate::domain::reward::Span;
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, id, time};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::feature_service_server::FeatureService;
use tonic::{Request, Response, Status};

/// Features that rewards open.
pub(crate) struct Features {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl FeatureService for Features {
    async fn check_feature(
        &self,
        request: Request<proto::CheckFeatureRequest>,
    ) -> Result<Response<proto::CheckFeatureResponse>, Status> {
        let request = request.into_inner();
        let open = self.app.check_feature(&request.user_id, &request.feature).await?;
        Ok(Response::new(proto::CheckFeatureResponse {
            open: open.is_some(),
            open_until: open.flatten().map(time::to_proto),
        }))
    }

    async fn list_unlocks(
        &self,
        request: Request<proto::ListUnlocksRequest>,
    ) -> Result<Response<proto::ListUnlocksResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("unlocks {}", request.user_id);
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<UnlockCursor>(request.page_size, &request.page_token, &filter)?;
        let (found, next) = self.app.unlocks(&request.user_id, before, size).await?;
        Ok(Response::new(proto::ListUnlocksResponse {
            unlocks: found.iter().map(message::unlock).collect(),
            next_page_token: next.map_or(String::new(), |next| pages.token(&filter, &next)),
        }))
    }

    async fn unlock_feature(
        &self,
        request: Request<proto::UnlockFeatureRequest>,
    ) -> Result<Response<proto::UnlockFeatureResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.FeatureService/UnlockFeature";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let span =
            Span { months: request.months.unsigned_abs(), days: request.days.unsigned_abs() };
        if span.is_empty() {
            return Err(Error::invalid("months", "must be given, or days"))?;
        }
        let (user, what) = (&request.user_id, (request.feature.as_str(), span));
        let event = (request.source.as_str(), request.source_event_id.as_str());
        let reply = self.app.unlock_feature(key, user, what, event).await?;
        let (unlock, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::UnlockFeatureResponse { unlock, replayed }))
    }

    async fn lock_feature(
        &self,
        request: Request<proto::LockFeatureRequest>,
    ) -> Result<Response<proto::LockFeatureResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.FeatureService/LockFeature";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.lock_feature(key, id::parse("grant_id", &request.grant_id)?).await?;
        let (unlock, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::LockFeatureResponse { unlock, replayed }))
    }
}
