//! Identity's ProfileService as far as this service asks it: profiles that a test writes down,
//! served over gRPC beside identity's event log.

use perennial_proto::identity::v1::profile_service_server::{ProfileService, ProfileServiceServer};
use perennial_proto::identity::v1::{
    BatchGetProfilesRequest, BatchGetProfilesResponse, EraseProfileRequest, EraseProfileResponse,
    GetProfileRequest, GetProfileResponse, ListProfilesRequest, ListProfilesResponse, Profile,
    UpsertProfileRequest, UpsertProfileResponse,
};
use perennial_testkit::Log;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// Who is known.
#[derive(Clone, Default)]
pub(crate) struct People(Arc<Mutex<BTreeMap<String, Profile>>>);

impl People {
    /// Serves them together with identity's log.
    pub(crate) async fn serve(&self) -> Log {
        let routes = Routes::default().add_service(ProfileServiceServer::new(self.clone()));
        Log::start_with("identity", routes).await
    }

    /// Adds a user who lives in Shanghai and reads English.
    pub(crate) fn add(&self, user_id: &str) {
        self.put(Profile {
            user_id: user_id.to_owned(),
            display_name: format!("Name of {user_id}"),
            email: format!("{user_id}@example.org"),
            locale: "en".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            ..Profile::default()
        });
    }

    /// Adds or replaces a profile.
    pub(crate) fn put(&self, profile: Profile) {
        self.0.lock().unwrap().insert(profile.user_id.clone(), profile);
    }

    /// Forgets a user.
    pub(crate) fn remove(&self, user_id: &str) {
        self.0.lock().unwrap().remove(user_id);
    }
}

#[tonic::async_trait]
impl ProfileService for People {
    async fn batch_get_profiles(
        &self,
        request: Request<BatchGetProfilesRequest>,
    ) -> Result<Response<BatchGetProfilesResponse>, Status> {
        let known = self.0.lock().unwrap();
        let (found, unknown): (Vec<_>, Vec<_>) =
            request.into_inner().user_ids.into_iter().partition(|user| known.contains_key(user));
        Ok(Response::new(BatchGetProfilesResponse {
            profiles: found.iter().map(|user| known[user].clone()).collect(),
            unknown_user_ids: unknown,
            erased_user_ids: Vec::new(),
        }))
    }

    async fn upsert_profile(
        &self,
        _: Request<UpsertProfileRequest>,
    ) -> Result<Response<UpsertProfileResponse>, Status> {
        Err(Status::unimplemented("not asked by this service"))
    }

    async fn get_profile(
        &self,
        _: Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        Err(Status::unimplemented("not asked by this service"))
    }

    async fn list_profiles(
        &self,
        _: Request<ListProfilesRequest>,
    ) -> Result<Response<ListProfilesResponse>, Status> {
        Err(Status::unimplemented("not asked by this service"))
    }

    async fn erase_profile(
        &self,
        _: Request<EraseProfileRequest>,
    ) -> Result<Response<EraseProfileResponse>, Status> {
        Err(Status::unimplemented("not asked by this service"))
    }
}
