//! FeatureService: features that rewards open for a time.

use crate::fixture::{Service, fields, refusal};
use perennial_platform::time;
use perennial_proto::loyalty::v1::feature_service_client::FeatureServiceClient;
use perennial_proto::loyalty::v1::{
    CheckFeatureRequest, ListUnlocksRequest, LockFeatureRequest, Unlock, UnlockFeatureRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

fn client(service: &Service) -> FeatureServiceClient<Channel> {
    FeatureServiceClient::new(service.suite.channel())
}

fn interview(event: &str) -> UnlockFeatureRequest {
    UnlockFeatureRequest {
        user_id: "ann".to_owned(),
        feature: "export".to_owned(),
        months: 3,
        source: "research".to_owned(),
        source_event_id: event.to_owned(),
        ..Default::default()
    }
}

async fn unlock(service: &Service, request: UnlockFeatureRequest) -> Result<Unlock, Status> {
    Ok(client(service).unlock_feature(request).await?.into_inner().unlock.unwrap())
}

async fn lock(service: &Service, grant_id: &str) -> Result<Unlock, Status> {
    let request = LockFeatureRequest { grant_id: grant_id.to_owned(), ..Default::default() };
    Ok(client(service).lock_feature(request).await?.into_inner().unlock.unwrap())
}

async fn open_until(service: &Service) -> Option<String> {
    let request = CheckFeatureRequest { user_id: "ann".to_owned(), feature: "export".to_owned() };
    let answer = client(service).check_feature(request).await.unwrap().into_inner();
    assert!(answer.open || answer.open_until.is_none());
    let until = answer.open_until.as_ref().map(|at| time::from_proto("", at).unwrap());
    until.map(|until| until.to_rfc3339())
}

#[tokio::test]
async fn an_interview_opens_advanced_features_for_three_months() {
    let service = Service::start().await;
    assert_eq!(open_until(&service).await, None);
    let first = unlock(&service, interview("i1")).await.unwrap();
    assert_eq!(open_until(&service).await.unwrap(), "2026-04-05T09:00:00+00:00");
    // The same interview under another request gives nothing more.
    assert_eq!(unlock(&service, interview("i1")).await.unwrap(), first);
    // The next one goes on where the first ends.
    let second = unlock(&service, interview("i2")).await.unwrap();
    assert_eq!(second.open_from, first.open_until);
    assert_eq!(open_until(&service).await.unwrap(), "2026-07-05T09:00:00+00:00");
    service.suite.clock.set("2026-07-05T09:00:00Z".parse().unwrap());
    assert_eq!(open_until(&service).await, None);
    let request = ListUnlocksRequest { user_id: "ann".to_owned(), ..Default::default() };
    let unlocks = client(&service).list_unlocks(request).await.unwrap().into_inner().unlocks;
    assert_eq!(unlocks.len(), 2);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_is_left_is_taken_back_and_the_rest_moves_up() {
    let service = Service::start().await;
    let first = unlock(&service, interview("i1")).await.unwrap();
    unlock(&service, interview("i2")).await.unwrap();
    service.suite.clock.set("2026-02-05T09:00:00Z".parse().unwrap());
    let locked = lock(&service, &first.grant_id).await.unwrap();
    assert!(locked.revoke_time.is_some());
    assert_eq!(open_until(&service).await.unwrap(), "2026-05-05T09:00:00+00:00");
    assert_eq!(lock(&service, &first.grant_id).await.unwrap(), locked);
    let nothing = format!("grant_{}", "0".repeat(32));
    let refused = lock(&service, &nothing).await;
    assert_eq!(refusal(refused), (Code::NotFound, "UNLOCK_NOT_FOUND".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn what_was_taken_back_before_it_began_keeps_no_place() {
    let service = Service::start().await;
    let first = unlock(&service, interview("i1")).await.unwrap();
    let second = unlock(&service, interview("i2")).await.unwrap();
    lock(&service, &second.grant_id).await.unwrap();
    lock(&service, &first.grant_id).await.unwrap();
    assert_eq!(open_until(&service).await, None);
    // At once, not when the first would have ended.
    unlock(&service, interview("i3")).await.unwrap();
    assert_eq!(open_until(&service).await.unwrap(), "2026-04-05T09:00:00+00:00");
    service.assert_sound().await;
}

#[tokio::test]
async fn events_of_different_sources_are_different_events() {
    let service = Service::start().await;
    let from = |source: &str, event: &str| UnlockFeatureRequest {
        source: source.to_owned(),
        ..interview(event)
    };
    let one = unlock(&service, from("crm:a", "b")).await.unwrap();
    let other = unlock(&service, from("crm", "a:b")).await.unwrap();
    assert_ne!(one.grant_id, other.grant_id);
    assert_eq!(unlock(&service, from("crm:a", "b")).await.unwrap(), one);
    service.assert_sound().await;
}

#[tokio::test]
async fn requests_are_checked_and_carried_out_once() {
    let service = Service::start().await;
    let nothing = UnlockFeatureRequest { months: 0, ..interview("i1") };
    assert_eq!(fields(unlock(&service, nothing).await), ["months"]);
    let long = UnlockFeatureRequest { months: 121, days: -1, ..interview("i1") };
    assert_eq!(fields(unlock(&service, long).await), ["months", "days"]);
    let unnamed = UnlockFeatureRequest { source_event_id: String::new(), ..interview("") };
    assert_eq!(fields(unlock(&service, unnamed).await), ["source_event_id"]);
    let request = UnlockFeatureRequest { request_id: "r1".to_owned(), ..interview("i1") };
    let first = client(&service).unlock_feature(request.clone()).await.unwrap().into_inner();
    let again = client(&service).unlock_feature(request).await.unwrap().into_inner();
    assert_eq!((again.replayed, again.unlock), (true, first.unlock));
}

#[tokio::test]
async fn an_erased_member_has_nothing_open() {
    let service = Service::start().await;
    unlock(&service, interview("i1")).await.unwrap();
    unlock(&service, interview("i2")).await.unwrap();
    service.erase("ann").await;
    assert_eq!(open_until(&service).await, None);
    service.wait_days(120);
    assert_eq!(open_until(&service).await, None);
    let refused = unlock(&service, interview("i3")).await;
    assert_eq!(refusal(refused), (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned()));
    service.assert_sound().await;
}
