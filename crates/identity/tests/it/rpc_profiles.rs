//! Profiles over gRPC: written, found, erased.

use crate::fixture::{World, activity, bad_fields, profile, refusal};
use perennial_proto::identity::v1::{
    ActivityKind, ActivityRecorded, BatchGetProfilesRequest, EraseProfileRequest,
    GetProfileRequest, ListProfilesRequest, Profile, ProfileUpdated, TrackVerdict,
    UpsertProfileRequest, UserErased, UserRegistered,
};
use prost_types::FieldMask;
use tonic::Code;

fn li() -> Profile {
    Profile {
        display_name: "Li Wei".into(),
        email: "Li.Wei@example.cn".into(),
        phone: "+8613800000001".into(),
        birthday: "1990-02-28".into(),
        locale: "zh-CN".into(),
        time_zone: "Asia/Shanghai".into(),
        industry: "manufacturing".into(),
        occupation: "planner".into(),
        use_scenario: "weekly report of production".into(),
        acquisition_channel: "ad:search".into(),
        attributes: [("plan".to_owned(), "pro".to_owned())].into(),
        ..profile("li")
    }
}

async fn get(world: &World, user_id: &str) -> Result<Profile, tonic::Status> {
    let request = GetProfileRequest { user_id: user_id.to_owned() };
    Ok(world.profiles().get_profile(request).await?.into_inner().profile.unwrap())
}

async fn erase(world: &World, user_id: &str) -> i64 {
    let request = EraseProfileRequest { user_id: user_id.to_owned(), ..Default::default() };
    world.profiles().erase_profile(request).await.unwrap().into_inner().activities
}

#[tokio::test]
async fn what_was_said_is_read_back() {
    let world = World::start().await;
    let answer = world.upsert(li()).await;
    assert!(answer.created && !answer.replayed);
    let read = get(&world, "li").await.unwrap();
    assert_eq!(answer.profile.unwrap(), read);
    let said = Profile {
        register_time: read.register_time,
        create_time: read.create_time,
        update_time: read.update_time,
        revision: 1,
        ..li()
    };
    assert_eq!(read, said);
    assert_eq!(read.register_time, Some(perennial_platform::time::to_proto(world.now())));
    assert_eq!(world.suite.events_of::<UserRegistered>().await.len(), 1);

    // The same again changes nothing and tells nothing.
    assert_eq!(world.upsert(li()).await.profile.unwrap().revision, 1);
    assert!(world.suite.events_of::<ProfileUpdated>().await.is_empty());
    let status = get(&world, "nobody").await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "USER_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_mask_says_what_is_written() {
    let world = World::start().await;
    world.upsert(li()).await;
    let write = async |profile: Profile, paths: &[&str], expected_revision: i64| {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let request = UpsertProfileRequest {
            profile: Some(profile),
            update_mask: Some(FieldMask { paths }),
            expected_revision,
            ..Default::default()
        };
        world.profiles().upsert_profile(request).await
    };
    let patch = Profile { locale: "en".into(), email: "new@example.cn".into(), ..profile("li") };
    write(patch, &["locale", "phone", "attributes.plan"], 1).await.unwrap();
    let read = get(&world, "li").await.unwrap();
    assert_eq!((read.locale.as_str(), read.phone.as_str()), ("en", ""));
    assert_eq!(read.email, "Li.Wei@example.cn", "not in the mask");
    assert!(read.attributes.is_empty());
    let told = world.suite.events_of::<ProfileUpdated>().await;
    assert_eq!(told[0].fields, ["locale", "phone", "attributes"]);

    let status = write(profile("li"), &["locale"], 1).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Aborted, "REVISION_MISMATCH".into()));
    let late = Profile {
        register_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        attributes: [("x".repeat(65), String::new())].into(),
        ..profile("li")
    };
    let status = write(late, &["user_id", "nonsense"], 0).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(bad_fields(&status).len(), 4, "all at once: {:?}", bad_fields(&status));

    write(profile("li"), &["*"], 0).await.unwrap();
    assert!(get(&world, "li").await.unwrap().email.is_empty());
}

#[tokio::test]
async fn a_request_id_protects_a_retry() {
    let world = World::start().await;
    let request =
        UpsertProfileRequest { profile: Some(li()), request_id: "r1".into(), ..Default::default() };
    let first = world.profiles().upsert_profile(request.clone()).await.unwrap().into_inner();
    let again = world.profiles().upsert_profile(request.clone()).await.unwrap().into_inner();
    assert!(again.replayed && again.created);
    assert_eq!(first.profile, again.profile);
    let other = UpsertProfileRequest { profile: Some(profile("li")), ..request };
    let status = world.profiles().upsert_profile(other).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
}

#[tokio::test]
async fn profiles_are_found_by_address_and_listed_in_pages() {
    let world = World::start().await;
    world.upsert(li()).await;
    for n in 0..7 {
        world.upsert(Profile { industry: "games".into(), ..profile(&format!("u{n}")) }).await;
    }
    let list = async |request: ListProfilesRequest| {
        let answer = world.profiles().list_profiles(request).await.unwrap().into_inner();
        let ids: Vec<_> = answer.profiles.into_iter().map(|profile| profile.user_id).collect();
        (ids, answer.next_page_token)
    };
    let by_email = ListProfilesRequest { email: "li.wei@EXAMPLE.cn".into(), ..Default::default() };
    assert_eq!(list(by_email).await.0, ["li"]);
    let by_phone = ListProfilesRequest { phone: "+8613800000001".into(), ..Default::default() };
    assert_eq!(list(by_phone).await.0, ["li"]);
    let by_channel =
        ListProfilesRequest { acquisition_channel: "ad:search".into(), ..Default::default() };
    assert_eq!(list(by_channel).await.0, ["li"]);

    let games =
        ListProfilesRequest { industry: "games".into(), page_size: 3, ..Default::default() };
    let (mut seen, mut token) = list(games.clone()).await;
    while !token.is_empty() {
        let (ids, next) = list(ListProfilesRequest { page_token: token, ..games.clone() }).await;
        seen.extend(ids);
        token = next;
    }
    assert_eq!(seen, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
}

#[tokio::test]
async fn many_are_read_together() {
    let world = World::start().await;
    world.upsert(li()).await;
    world.upsert(profile("gone")).await;
    erase(&world, "gone").await;
    world.track(vec![activity("bare", ActivityKind::Login, world.now(), "1")]).await;
    let user_ids = ["li", "nobody", "gone", "bare", "li"].map(str::to_owned).to_vec();
    let request = BatchGetProfilesRequest { user_ids };
    let answer = world.profiles().batch_get_profiles(request).await.unwrap().into_inner();
    let ids: Vec<_> = answer.profiles.iter().map(|profile| profile.user_id.as_str()).collect();
    assert_eq!(ids, ["bare", "li"]);
    assert_eq!(answer.profiles[1].email, "Li.Wei@example.cn");
    assert_eq!(answer.unknown_user_ids, ["nobody"]);
    assert_eq!(answer.erased_user_ids, ["gone"]);
}

#[tokio::test]
async fn an_erased_user_is_gone_and_does_not_come_back_by_itself() {
    let world = World::start().await;
    world.upsert(li()).await;
    let before = world.days_ago(1);
    world.track(vec![activity("li", ActivityKind::Login, before, "1")]).await;
    world.suite.settle().await;
    assert_eq!(erase(&world, "li").await, 1);
    let status = get(&world, "li").await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "USER_ERASED".into()));
    assert_eq!(world.suite.events_of::<UserErased>().await.len(), 1);
    assert_eq!(erase(&world, "li").await, 0, "a second time changes nothing");
    assert_eq!(world.suite.events_of::<UserErased>().await.len(), 1);
    let told = world.suite.events_of::<ActivityRecorded>().await;
    assert_eq!(told.len(), 1, "the log is not rewritten, as the contract says");

    let refused = async |at, id: &str| {
        let answer = world.track(vec![activity("li", ActivityKind::Login, at, id)]).await;
        let result = &answer.results[0];
        (result.verdict() == TrackVerdict::Refused).then(|| result.reason.clone())
    };
    assert_eq!(refused(before, "1").await.as_deref(), Some("USER_ERASED"), "delivered again");
    assert_eq!(refused(world.now(), "2").await.as_deref(), Some("USER_ERASED"));
    let again = UpsertProfileRequest { profile: Some(li()), ..Default::default() };
    let status = world.profiles().upsert_profile(again.clone()).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::FailedPrecondition, "USER_ERASED".into()));

    world.suite.clock.advance(chrono::TimeDelta::hours(1));
    let again = UpsertProfileRequest { reregister: true, ..again };
    let answer = world.profiles().upsert_profile(again).await.unwrap().into_inner();
    assert!(answer.created);
    assert_eq!(refused(before, "3").await.as_deref(), Some("USER_ERASED"), "from before");
    assert_eq!(refused(world.now(), "4").await, None);
    world.suite.settle().await;
    assert_eq!(world.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_personal_is_readable_on_disk() {
    let world = World::start().await;
    world.upsert(li()).await;
    world.suite.settle().await;
    let Some(path) = world.sqlite_file() else { return };
    let mut found = 0;
    for file in [path.clone(), format!("{path}-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        found += usize::from(contains(&bytes, b"ad:search"));
        for secret in ["Wei", "example.cn", "13800000001", "1990-02-28", "planner", "weekly report"]
        {
            assert!(!contains(&bytes, secret.as_bytes()), "{secret} is in {file}");
        }
    }
    assert!(found > 0, "the files that were looked at hold the profile");
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
