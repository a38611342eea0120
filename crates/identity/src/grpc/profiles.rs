//! `ProfileService`.

use super::convert::profile::{from_profile, to_upsert};
use super::cut;
use crate::app::{Identity, ProfileFilter};
use perennial_platform::idempotency::Key;
use perennial_proto::identity::v1::profile_service_server::ProfileService;
use perennial_proto::identity::v1::{
    BatchGetProfilesRequest, BatchGetProfilesResponse, EraseProfileRequest, EraseProfileResponse,
    GetProfileRequest, GetProfileResponse, ListProfilesRequest, ListProfilesResponse,
    UpsertProfileRequest, UpsertProfileResponse,
};
use tonic::{Request, Response, Status};

/// Serves profiles.
#[derive(Debug)]
pub struct ProfileApi(pub Identity);

#[tonic::async_trait]
impl ProfileService for ProfileApi {
    async fn upsert_profile(
        &self,
        request: Request<UpsertProfileRequest>,
    ) -> Result<Response<UpsertProfileResponse>, Status> {
        let request = request.into_inner();
        let method = "identity.UpsertProfile";
        let key = Key::of(method, &request.request_id, &request, &self.0.vault);
        let change = to_upsert(request, self.0.clock.now() + self.0.recorder.tolerance)?;
        let user_id = change.user_id.clone();
        let reply = self.0.upsert(key, change).await?;
        Ok(Response::new(UpsertProfileResponse {
            profile: Some(from_profile(self.0.profile(&user_id).await?)),
            replayed: reply.replayed,
            ..reply.value
        }))
    }

    async fn get_profile(
        &self,
        request: Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        let profile = self.0.profile(&request.into_inner().user_id).await?;
        Ok(Response::new(GetProfileResponse { profile: Some(from_profile(profile)) }))
    }

    async fn batch_get_profiles(
        &self,
        request: Request<BatchGetProfilesRequest>,
    ) -> Result<Response<BatchGetProfilesResponse>, Status> {
        let (profiles, unknown_user_ids, erased_user_ids) =
            self.0.profiles(&request.into_inner().user_ids).await?;
        Ok(Response::new(BatchGetProfilesResponse {
            profiles: profiles.into_iter().map(from_profile).collect(),
            unknown_user_ids,
            erased_user_ids,
        }))
    }

    async fn list_profiles(
        &self,
        request: Request<ListProfilesRequest>,
    ) -> Result<Response<ListProfilesResponse>, Status> {
        let request = request.into_inner();
        let filter = ProfileFilter {
            email: request.email,
            phone: request.phone,
            industry: request.industry,
            acquisition_channel: request.acquisition_channel,
        };
        // Only its hash goes into a page token, which is no place for an address.
        let shown = format!("profiles/{filter:?}");
        let (size, after) =
            self.0.pages.open::<String>(request.page_size, &request.page_token, &shown)?;
        let rows = self.0.find_profiles(filter, after.as_deref(), size + 1).await?;
        let (rows, last) = cut(rows, size, |profile| profile.user_id.clone());
        Ok(Response::new(ListProfilesResponse {
            profiles: rows.into_iter().map(from_profile).collect(),
            next_page_token: last.map(|key| self.0.pages.token(&shown, &key)).unwrap_or_default(),
        }))
    }

    async fn erase_profile(
        &self,
        request: Request<EraseProfileRequest>,
    ) -> Result<Response<EraseProfileResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of("identity.EraseProfile", &request.request_id, &request, &self.0.vault);
        let reply = self.0.erase(key, &request.user_id).await?;
        Ok(Response::new(EraseProfileResponse { replayed: reply.replayed, ..reply.value }))
    }
}
