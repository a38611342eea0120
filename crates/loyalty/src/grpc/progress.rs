//! ProgressService.

use crate::app::App;
use crate::app::rewards;
use crate::store::grants::GrantCursor;
use perennial_platform::idempotency::Key;
use perennial_platform::time;
use perennial_proto::loyalty::v1::progress_service_server::ProgressService;
use perennial_proto::loyalty::v1::{
    GetProgressRequest, GetProgressResponse, GetStreakRequest, GetStreakResponse,
    GetTimeZoneRequest, GetTimeZoneResponse, JoinChallengeRequest, JoinChallengeResponse,
    LeaveChallengeRequest, LeaveChallengeResponse, ListBadgesRequest, ListBadgesResponse,
    ListGrantsRequest, ListGrantsResponse, ListOffersRequest, ListOffersResponse, PinnedZone,
    SetTimeZoneRequest, SetTimeZoneResponse,
};
use tonic::{Request, Response, Status};

/// Tasks, streaks, challenges, badges and stamp cards of members.
pub(crate) struct ProgressApi {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl ProgressService for ProgressApi {
    async fn get_progress(
        &self,
        request: Request<GetProgressRequest>,
    ) -> Result<Response<GetProgressResponse>, Status> {
        Ok(Response::new(self.app.progress(&request.into_inner().user_id).await?))
    }

    async fn get_streak(
        &self,
        request: Request<GetStreakRequest>,
    ) -> Result<Response<GetStreakResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(self.app.streak(&request.user_id, &request.streak).await?))
    }

    async fn list_badges(
        &self,
        request: Request<ListBadgesRequest>,
    ) -> Result<Response<ListBadgesResponse>, Status> {
        Ok(Response::new(self.app.badges(&request.into_inner().user_id).await?))
    }

    async fn list_offers(
        &self,
        request: Request<ListOffersRequest>,
    ) -> Result<Response<ListOffersResponse>, Status> {
        Ok(Response::new(self.app.things_to_do(&request.into_inner().user_id).await?))
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("grants {}", request.user_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<GrantCursor>(request.page_size, &request.page_token, &filter)?;
        let (grants, next) = self.app.grants(&request.user_id, after, size).await?;
        Ok(Response::new(ListGrantsResponse {
            grants: grants.iter().map(rewards::message).collect(),
            next_page_token: next.map(|n| pages.token(&filter, &n)).unwrap_or_default(),
        }))
    }

    async fn join_challenge(
        &self,
        request: Request<JoinChallengeRequest>,
    ) -> Result<Response<JoinChallengeResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of(
            "perennial.loyalty.v1.ProgressService/JoinChallenge",
            &request.request_id,
            &request,
            &self.app.vault,
        );
        let reply = self.app.join_challenge(key, &request.user_id, &request.challenge).await?;
        let replayed = reply.replayed;
        Ok(Response::new(JoinChallengeResponse { replayed, ..reply.value }))
    }

    async fn leave_challenge(
        &self,
        request: Request<LeaveChallengeRequest>,
    ) -> Result<Response<LeaveChallengeResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of(
            "perennial.loyalty.v1.ProgressService/LeaveChallenge",
            &request.request_id,
            &request,
            &self.app.vault,
        );
        let reply = self.app.leave_challenge(key, &request.user_id, &request.challenge).await?;
        let replayed = reply.replayed;
        Ok(Response::new(LeaveChallengeResponse { replayed, ..reply.value }))
    }

    async fn set_time_zone(
        &self,
        request: Request<SetTimeZoneRequest>,
    ) -> Result<Response<SetTimeZoneResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of(
            "perennial.loyalty.v1.ProgressService/SetTimeZone",
            &request.request_id,
            &request,
            &self.app.vault,
        );
        let reply = self.app.set_time_zone(key, &request.user_id, &request.time_zone).await?;
        let replayed = reply.replayed;
        Ok(Response::new(SetTimeZoneResponse { replayed, ..reply.value }))
    }

    async fn get_time_zone(
        &self,
        request: Request<GetTimeZoneRequest>,
    ) -> Result<Response<GetTimeZoneResponse>, Status> {
        let zones = self.app.time_zones(&request.into_inner().user_id).await?;
        let pinned = |(from, zone): &(_, chrono_tz::Tz)| PinnedZone {
            time_zone: zone.name().to_owned(),
            effective_time: Some(time::to_proto(*from)),
        };
        Ok(Response::new(GetTimeZoneResponse {
            time_zone: zones.now.name().to_owned(),
            today: zones.today.to_string(),
            zones: zones.all.iter().map(pinned).collect(),
        }))
    }
}
