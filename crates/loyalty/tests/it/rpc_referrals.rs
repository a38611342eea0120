//! Referrals over time.

mod again;
mod reviews;
mod rewards;

use crate::fixture::{Service, fields, refusal};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_loyalty::Config;
use perennial_loyalty::domain::Reward;
use perennial_loyalty::domain::referral::Step;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::referral_service_client::ReferralServiceClient;
use perennial_proto::loyalty::v1::{
    CreateReferralCodeRequest, GetReferralProgressRequest, GetReferralProgressResponse,
    GetReferralRequest, ListReferralsRequest, ReferRequest, Referral, ReferralChanged,
    ReferralState, ReferralVerdict, RewardGranted, Tier,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

/// One friend for 300 points, five for 1,200.
async fn start() -> Service {
    let mut config = Config::default();
    let step = |friends, points| Step { friends, rewards: vec![Reward::Points(points)] };
    config.rules[0].referrals.steps = vec![step(1, 300), step(5, 1_200)];
    let service = Service::with(config).await;
    service.earn("ann", 1).await;
    service
}

fn client(service: &Service) -> ReferralServiceClient<Channel> {
    ReferralServiceClient::new(service.suite.channel())
}

fn to(advocate: &str, friend: &str) -> ReferRequest {
    ReferRequest {
        advocate_user_id: advocate.to_owned(),
        friend_user_id: friend.to_owned(),
        ..Default::default()
    }
}

async fn refer(service: &Service, request: ReferRequest) -> Result<Referral, Status> {
    Ok(client(service).refer(request).await?.into_inner().referral.unwrap())
}

async fn get(service: &Service, referral: &Referral) -> Referral {
    let request = GetReferralRequest { referral_id: referral.referral_id.clone() };
    client(service).get_referral(request).await.unwrap().into_inner().referral.unwrap()
}

async fn progress(service: &Service, user: &str) -> GetReferralProgressResponse {
    let request = GetReferralProgressRequest { user_id: user.to_owned() };
    client(service).get_referral_progress(request).await.unwrap().into_inner()
}

async fn code(service: &Service, user: &str, campaign: &str) -> Result<String, Status> {
    let request = CreateReferralCodeRequest {
        user_id: user.to_owned(),
        campaign: campaign.to_owned(),
        ..Default::default()
    };
    Ok(client(service).create_referral_code(request).await?.into_inner().code)
}

fn ago(service: &Service, span: TimeDelta) -> prost_types::Timestamp {
    let at: DateTime<Utc> = service.now() - span;
    time::to_proto(at)
}

fn buys(service: &Service, friend: &str, paid: i64) {
    let (event, order) = (format!("p-{friend}"), format!("o-{friend}"));
    service.tell(friend, ActivityKind::Purchase, &event, &order, paid);
}

fn returns(service: &Service, friend: &str, paid: i64) {
    let (event, order) = (format!("r-{friend}"), format!("o-{friend}"));
    service.tell(friend, ActivityKind::Refund, &event, &order, paid);
}

#[tokio::test]
async fn a_friend_counts_once_the_order_cannot_be_returned() {
    let service = start().await;
    let code = code(&service, "ann", "").await.unwrap();
    let by_code = ReferRequest {
        friend_user_id: "bob".to_owned(),
        code: code.to_lowercase(),
        ..Default::default()
    };
    let referral = refer(&service, by_code).await.unwrap();
    assert_eq!((referral.advocate_user_id.as_str(), referral.code.clone()), ("ann", code));
    assert_eq!(
        (referral.state(), referral.verdict()),
        (ReferralState::Registered, ReferralVerdict::Allow)
    );
    let referral = refer(&service, to("ann", "cid")).await.unwrap();
    // Below the least worth: nothing.
    buys(&service, "bob", 4_999);
    buys(&service, "cid", 5_000);
    service.suite.settle().await;
    let escrowed = get(&service, &referral).await;
    assert_eq!(escrowed.state(), ReferralState::Escrowed);
    assert_eq!(escrowed.qualify_time, Some(time::to_proto(service.now() + TimeDelta::days(14))));
    assert_eq!(service.balance("ann").await.spendable, 1);

    // Read without any job having run, then with it: the same.
    service.wait_days(14);
    assert_eq!(get(&service, &referral).await.state(), ReferralState::Qualified);
    let before = progress(&service, "ann").await;
    assert_eq!((before.qualified, before.registered, before.escrowed), (1, 1, 0));
    assert!(!before.steps[0].given);
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 301);
    let after = progress(&service, "ann").await;
    assert_eq!((after.qualified, after.friends_missing), (1, 4));
    assert!(after.steps[0].given);
    assert_eq!(after.next.unwrap().friends, 5);
    let told: Vec<RewardGranted> = service.suite.events_of().await;
    assert_eq!(told[0].grant.as_ref().unwrap().cause_id, "step-1");
    let told: Vec<ReferralChanged> = service.suite.events_of().await;
    let of_cid = told.iter().filter(|change| change.friend_user_id == "cid");
    let states: Vec<_> = of_cid.map(|change| (change.from(), change.to())).collect();
    assert_eq!(
        states,
        [
            (ReferralState::Unspecified, ReferralState::Registered),
            (ReferralState::Registered, ReferralState::Escrowed),
            (ReferralState::Escrowed, ReferralState::Qualified),
        ]
    );
    service.assert_sound().await;
}

#[tokio::test]
async fn the_fifth_friend_earns_the_year_and_the_tier() {
    let service = start().await;
    for friend in ["f1", "f2", "f3", "f4", "f5"] {
        refer(&service, to("ann", friend)).await.unwrap();
        buys(&service, friend, 5_000);
        service.suite.settle().await;
        service.wait_days(1);
    }
    service.wait_days(13);
    // All five count since today; recommendations alone made her gold, without a job.
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.metrics.unwrap().recommendations), (Tier::Gold, 5));
    assert_eq!(tier.next.unwrap().recommendations_missing, 7);
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 1_501);
    let all = progress(&service, "ann").await;
    assert_eq!((all.qualified, all.next, all.friends_missing), (5, None, 0));
    service.assert_sound().await;
}

#[tokio::test]
async fn an_order_given_back_in_time_was_none_and_later_takes_the_friend_back() {
    let service = start().await;
    let early = refer(&service, to("ann", "bob")).await.unwrap();
    let late = refer(&service, to("ann", "cid")).await.unwrap();
    buys(&service, "bob", 6_000);
    buys(&service, "cid", 6_000);
    service.suite.settle().await;
    service.wait_days(13);
    // What is left is worth too little.
    returns(&service, "bob", 1_001);
    service.suite.settle().await;
    assert_eq!(get(&service, &early).await.state(), ReferralState::Registered);
    service.wait_days(1);
    service.suite.settle().await;
    assert_eq!(service.tier("ann").await.metrics.unwrap().recommendations, 1);
    returns(&service, "cid", 6_000);
    service.suite.settle().await;
    assert_eq!(get(&service, &late).await.state(), ReferralState::Reversed);
    assert_eq!(service.tier("ann").await.metrics.unwrap().recommendations, 0);
    // The step was given and stays; another friend earns no second one.
    assert_eq!(service.balance("ann").await.spendable, 301);
    refer(&service, to("ann", "dan")).await.unwrap();
    buys(&service, "dan", 6_000);
    service.suite.settle().await;
    service.wait_days(14);
    service.suite.settle().await;
    let progress = progress(&service, "ann").await;
    assert_eq!((progress.qualified, progress.reversed), (1, 1));
    assert_eq!(service.balance("ann").await.spendable, 301);
    service.assert_sound().await;
}

/// Whether the job or the refund comes first after the date makes no difference.
#[tokio::test]
async fn what_counted_was_given_even_if_no_job_had_run() {
    let service = start().await;
    let referral = refer(&service, to("ann", "bob")).await.unwrap();
    buys(&service, "bob", 6_000);
    service.suite.settle().await;
    service.wait_days(20);
    returns(&service, "bob", 6_000);
    service.suite.settle().await;
    assert_eq!(get(&service, &referral).await.state(), ReferralState::Reversed);
    assert_eq!(service.balance("ann").await.spendable, 301);
    service.assert_sound().await;
}

#[tokio::test]
async fn every_refusal_has_its_reason() {
    let service = start().await;
    let reason = async |request| refusal(refer(&service, request).await);
    let precondition = |reason: &str| (Code::FailedPrecondition, reason.to_owned());
    assert_eq!(reason(to("ann", "ann")).await, precondition("SELF_REFERRAL"));
    let not_found = |reason: &str| (Code::NotFound, reason.to_owned());
    assert_eq!(reason(to("nobody", "bob")).await, not_found("MEMBER_NOT_FOUND"));
    let by = |code: &str| ReferRequest { code: code.to_owned(), ..to("", "bob") };
    assert_eq!(reason(by("NOSUCHCODE")).await, not_found("CODE_NOT_FOUND"));
    // A ring of three: ann brought bob, bob brought cid, and cid would bring ann.
    refer(&service, to("ann", "bob")).await.unwrap();
    refer(&service, to("bob", "cid")).await.unwrap();
    assert_eq!(reason(to("cid", "ann")).await, precondition("CYCLE"));
    let twice = (Code::AlreadyExists, "ALREADY_REFERRED".to_owned());
    assert_eq!(reason(to("cid", "bob")).await, twice);
    let touched = |span| ReferRequest { touch_time: Some(ago(&service, span)), ..to("ann", "dan") };
    let late = TimeDelta::days(30) + TimeDelta::seconds(1);
    assert_eq!(reason(touched(late)).await, precondition("EXPIRED"));
    service.tell("eve", ActivityKind::Purchase, "p", "o", 100);
    service.suite.settle().await;
    assert_eq!(reason(to("ann", "eve")).await, precondition("FRIEND_ALREADY_CUSTOMER"));
    service.earn("old", 1).await;
    service.wait_days(2);
    assert_eq!(reason(to("ann", "old")).await, precondition("FRIEND_ALREADY_CUSTOMER"));
    assert_eq!(fields(refer(&service, touched(TimeDelta::seconds(-5))).await), ["touch_time"]);
    let neither = ReferRequest { friend_user_id: "dan".to_owned(), ..Default::default() };
    assert_eq!(fields(refer(&service, neither).await), ["code"]);
    let unknown = "ref_00000000000000000000000000000000".to_owned();
    let answer = client(&service).get_referral(GetReferralRequest { referral_id: unknown }).await;
    assert_eq!(refusal(answer), not_found("REFERRAL_NOT_FOUND"));
    service.assert_sound().await;
}

#[tokio::test]
async fn one_advocate_brings_only_so_many() {
    let mut config = Config::default();
    config.rules[0].referrals.limit = 1;
    config.rules[0].referrals.codes = 2;
    let service = Service::with(config).await;
    service.earn("ann", 1).await;
    refer(&service, to("ann", "bob")).await.unwrap();
    let limit = (Code::FailedPrecondition, "LIMIT_REACHED".to_owned());
    assert_eq!(refusal(refer(&service, to("ann", "cid")).await), limit);
    let first = code(&service, "ann", "").await.unwrap();
    let second = code(&service, "ann", "spring").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(code(&service, "ann", "").await.unwrap(), first);
    assert_eq!(refusal(code(&service, "ann", "summer").await), limit);
    service.assert_sound().await;
}

#[tokio::test]
async fn twenty_at_once_fix_one_advocate() {
    let service = start().await;
    for n in 0..20 {
        service.earn(&format!("a{n}"), 1).await;
    }
    let calls = (0..20).map(|n| refer(&service, to(&format!("a{n}"), "bob")));
    let answers = futures::future::join_all(calls).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for answer in lost {
        let (code, reason) = refusal(answer);
        assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "ALREADY_REFERRED"));
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn a_retry_gets_the_same_answer() {
    let service = start().await;
    let request = ReferRequest { request_id: "r1".to_owned(), ..to("ann", "bob") };
    let first = client(&service).refer(request.clone()).await.unwrap().into_inner();
    let again = client(&service).refer(request).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.referral, again.referral);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_list_has_pages() {
    let service = start().await;
    for n in 0..5 {
        refer(&service, to("ann", &format!("f{n}"))).await.unwrap();
    }
    let mut request = ListReferralsRequest {
        advocate_user_id: "ann".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let mut friends = Vec::new();
    loop {
        let page = client(&service).list_referrals(request.clone()).await.unwrap().into_inner();
        friends.extend(page.referrals.into_iter().map(|referral| referral.friend_user_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    friends.sort();
    assert_eq!(friends, ["f0", "f1", "f2", "f3", "f4"]);
}
