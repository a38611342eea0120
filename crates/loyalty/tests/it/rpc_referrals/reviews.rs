//! What speaks against a referral, who looks at it, and what is left of erased people.

use super::{buys, client, code, get, progress, refer, start, to};
use crate::fixture::{Service, fields, refusal};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::UserErased;
use perennial_proto::loyalty::v1::{
    AppealReferralRequest, CreateReferralCodeRequest, ListReviewsRequest, ReferRequest, Referral,
    ReferralEvidence, ReferralSignalKind, ReferralState, ReferralVerdict, ReviewReferralRequest,
};
use tonic::{Code, Status};

async fn review(
    service: &Service,
    referral: &Referral,
    verdict: ReferralVerdict,
) -> Result<Referral, Status> {
    let request = ReviewReferralRequest {
        referral_id: referral.referral_id.clone(),
        verdict: verdict.into(),
        reviewer: "eve".to_owned(),
        reason: "looked-at".to_owned(),
        request_id: String::new(),
    };
    Ok(client(service).review_referral(request).await?.into_inner().referral.unwrap())
}

async fn appeal(service: &Service, referral: &Referral) -> Result<Referral, Status> {
    let request = AppealReferralRequest {
        referral_id: referral.referral_id.clone(),
        reason: "one-household".to_owned(),
        request_id: String::new(),
    };
    Ok(client(service).appeal_referral(request).await?.into_inner().referral.unwrap())
}

fn evidence(device: &str, payment: &str, ip: &str) -> ReferralEvidence {
    ReferralEvidence {
        device_hash: device.to_owned(),
        payment_hash: payment.to_owned(),
        ip_hash: ip.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_same_device_waits_for_review_and_the_same_payment_is_blocked_until_an_appeal() {
    let service = start().await;
    let own = CreateReferralCodeRequest {
        user_id: "ann".to_owned(),
        evidence: Some(evidence("d1", "c1", "")),
        ..Default::default()
    };
    client(&service).create_referral_code(own).await.unwrap();
    let bob = ReferRequest { evidence: Some(evidence("d1", "", "")), ..to("ann", "bob") };
    let bob = refer(&service, bob).await.unwrap();
    assert_eq!(bob.state(), ReferralState::UnderReview);
    assert_eq!((bob.signals[0].kind(), bob.score), (ReferralSignalKind::SameDevice, 60));
    let cid = ReferRequest { evidence: Some(evidence("", "c1", "")), ..to("ann", "cid") };
    let cid = refer(&service, cid).await.unwrap();
    assert_eq!((cid.state(), cid.verdict()), (ReferralState::Rejected, ReferralVerdict::Block));
    for friend in ["bob", "cid"] {
        buys(&service, friend, 6_000);
    }
    service.suite.settle().await;
    service.wait_days(20);
    service.suite.settle().await;
    assert_eq!(progress(&service, "ann").await.qualified, 0);

    let precondition = |reason: &str| (Code::FailedPrecondition, reason.to_owned());
    let allow = ReferralVerdict::Allow;
    assert_eq!(refusal(review(&service, &cid, allow).await), precondition("NOT_UNDER_REVIEW"));
    assert_eq!(refusal(appeal(&service, &bob).await), precondition("NOT_REJECTED"));
    let maybe = review(&service, &bob, ReferralVerdict::Review).await;
    assert_eq!(fields(maybe), ["verdict"]);
    // Allowed: the order was final long ago, so it counts from now on.
    let bob = review(&service, &bob, allow).await.unwrap();
    assert_eq!(bob.state(), ReferralState::Qualified);
    assert_eq!(bob.qualify_time, Some(time::to_proto(service.now())));
    assert_eq!(service.balance("ann").await.spendable, 301);
    // Appealed, on the work list, rejected again: for good.
    appeal(&service, &cid).await.unwrap();
    let list = client(&service).list_reviews(ListReviewsRequest::default()).await.unwrap();
    let list = list.into_inner().referrals;
    assert_eq!(list.len(), 1);
    assert_eq!(
        (list[0].state(), list[0].appeal_reason.as_str()),
        (ReferralState::UnderReview, "one-household")
    );
    review(&service, &cid, ReferralVerdict::Block).await.unwrap();
    assert_eq!(refusal(appeal(&service, &cid).await), precondition("APPEALED_BEFORE"));
    assert_eq!(progress(&service, "ann").await.rejected, 1);
    service.assert_sound().await;
}

/// Another code, and even another advocate, resets no count.
#[tokio::test]
async fn many_from_one_address_are_looked_at_whatever_the_code() {
    let service = start().await;
    service.earn("zoe", 1).await;
    for n in 0..10 {
        let advocate = if n % 2 == 0 { "ann" } else { "zoe" };
        let friend = format!("f{n}");
        let request =
            ReferRequest { evidence: Some(evidence("", "", "ip")), ..to(advocate, &friend) };
        let referral = refer(&service, request).await.unwrap();
        assert_eq!(referral.verdict(), ReferralVerdict::Allow, "friend {n}");
    }
    service.wait_days(6);
    let own = code(&service, "zoe", "another").await.unwrap();
    let eleventh =
        ReferRequest { evidence: Some(evidence("", "", "ip")), code: own, ..to("", "f10") };
    let referral = refer(&service, eleventh).await.unwrap();
    assert_eq!(referral.verdict(), ReferralVerdict::Review);
    assert_eq!(referral.signals[0].kind(), ReferralSignalKind::CrowdedIp);
    // Seven days after the ten, one is one again.
    service.wait_days(2);
    let later = ReferRequest { evidence: Some(evidence("", "", "ip")), ..to("ann", "f11") };
    assert_eq!(refer(&service, later).await.unwrap().verdict(), ReferralVerdict::Allow);
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erased_person_leaves_only_who_brought_whom() {
    let service = start().await;
    let request = ReferRequest { evidence: Some(evidence("d1", "c1", "ip")), ..to("ann", "bob") };
    let bob = refer(&service, request).await.unwrap();
    let cid = refer(&service, to("ann", "cid")).await.unwrap();
    for friend in ["bob", "cid"] {
        buys(&service, friend, 6_000);
    }
    service.suite.settle().await;
    let erase = |user: &str| {
        let erased = UserErased { user_id: user.to_owned() };
        service.suite.log(Peer::Identity).append(service.now(), user, &erased);
    };
    erase("bob");
    service.suite.settle().await;
    let gone = get(&service, &bob).await;
    assert_eq!((gone.state(), gone.friend_erased), (ReferralState::Rejected, true));
    assert_eq!(gone.pay_time, None);
    // What was known of bob is forgotten: dan shares a card with nobody.
    let dan = ReferRequest { evidence: Some(evidence("d1", "c1", "ip")), ..to("ann", "dan") };
    assert_eq!(refer(&service, dan).await.unwrap().signals, []);
    // An erased advocate is given nothing more.
    let own = code(&service, "ann", "").await.unwrap();
    erase("ann");
    service.suite.settle().await;
    service.wait_days(14);
    service.suite.settle().await;
    assert_eq!(get(&service, &cid).await.state(), ReferralState::Qualified);
    assert!(!progress(&service, "ann").await.steps[0].given);
    let by_code = ReferRequest { code: own, ..to("", "eve") };
    let unknown = (Code::NotFound, "CODE_NOT_FOUND".to_owned());
    assert_eq!(refusal(refer(&service, by_code).await), unknown);
    let closed = (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned());
    assert_eq!(refusal(refer(&service, to("ann", "eve")).await), closed);
    service.assert_sound().await;
}
