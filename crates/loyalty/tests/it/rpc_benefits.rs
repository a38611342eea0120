//! BenefitService: places that are never given out twice (I16).

use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use futures::future::join_all;
use perennial_loyalty::Config;
use perennial_loyalty::domain::benefit::BenefitRules;
use perennial_loyalty::domain::quota::{Period, QuotaRule};
use perennial_loyalty::domain::{RuleVersion, Tier};
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::benefit_service_client::BenefitServiceClient;
use perennial_proto::loyalty::v1::{
    Benefit, Claim, ClaimBenefitRequest, ClaimState, GetClaimRequest, ListBenefitsRequest,
    ListClaimsRequest, ReturnBenefitRequest, UseBenefitRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

fn client(service: &Service) -> BenefitServiceClient<Channel> {
    BenefitServiceClient::new(service.suite.channel())
}

async fn with(places: Vec<QuotaRule>) -> Service {
    let benefits = BenefitRules { places, catalogue: Vec::new(), ..BenefitRules::default() };
    let rules = vec![RuleVersion { benefits, ..RuleVersion::default() }];
    Service::with(Config { rules, ..Config::default() }).await
}

fn seats(places: u32) -> QuotaRule {
    QuotaRule { key: "seats".to_owned(), places, ..QuotaRule::default() }
}

async fn claim(service: &Service, user: &str, id: &str) -> Result<Claim, Status> {
    let request = ClaimBenefitRequest {
        request_id: id.to_owned(),
        user_id: user.to_owned(),
        benefit: "seats".to_owned(),
        timeout: None,
    };
    Ok(client(service).claim_benefit(request).await?.into_inner().claim.unwrap())
}

/// Asks again, under the same request id, as long as nobody can tell what became of it.
async fn claim_for_sure(service: &Service, user: &str, id: &str) -> Result<Claim, Status> {
    loop {
        let answer = claim(service, user, id).await;
        let unknown = [Code::Aborted, Code::Unavailable, Code::DeadlineExceeded];
        if !answer.as_ref().is_err_and(|status| unknown.contains(&status.code())) {
            return answer;
        }
    }
}

async fn use_it(service: &Service, claim: &Claim) -> Result<Claim, Status> {
    let claim_id = claim.claim_id.clone();
    let request = UseBenefitRequest { claim_id, ..Default::default() };
    Ok(client(service).use_benefit(request).await?.into_inner().claim.unwrap())
}

async fn give_back(service: &Service, claim: &Claim) -> Result<Claim, Status> {
    let claim_id = claim.claim_id.clone();
    let request = ReturnBenefitRequest { claim_id, ..Default::default() };
    Ok(client(service).return_benefit(request).await?.into_inner().claim.unwrap())
}

async fn seen(service: &Service, user: &str) -> Benefit {
    let request = ListBenefitsRequest { user_id: user.to_owned() };
    client(service).list_benefits(request).await.unwrap().into_inner().benefits.remove(0)
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_claim_ten_places_and_ten_get_them() {
    let one = with(vec![seats(10)]).await;
    let other = one.replica().await;
    for n in 0..60 {
        one.earn(&format!("m{n}"), 1).await;
    }
    // Everybody asks five times; every second request is a retry of the one before.
    let claims = (0..300).map(|n| {
        let service = if n % 2 == 0 { &one } else { &other };
        let (user, id) = (format!("m{}", n / 2 % 60), format!("r{}", n / 2));
        async move { claim_for_sure(service, &user, &id).await }
    });
    let answers = join_all(claims).await;
    let mut accepted: Vec<Claim> = Vec::new();
    for answer in answers {
        match answer {
            Ok(claim) => accepted.push(claim),
            refused => assert_eq!(refusal(refused), precondition("NO_PLACES_LEFT")),
        }
    }
    let mut numbers: Vec<i64> = accepted.iter().map(|claim| claim.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!(seen(&one, "m0").await.places_left, 0);
    assert_eq!(one.check().await, Vec::<String>::new());
    // Half are used, two given back: those two are free, and only those.
    accepted.sort_by_key(|claim| claim.number);
    accepted.dedup_by_key(|claim| claim.number);
    for claim in &accepted[..5] {
        use_it(&one, claim).await.unwrap();
    }
    give_back(&one, &accepted[0]).await.unwrap();
    give_back(&one, &accepted[9]).await.unwrap();
    let claims = (0..30).map(|n| {
        let (one, user, id) = (&one, format!("m{n}"), format!("again{n}"));
        async move { claim_for_sure(one, &user, &id).await }
    });
    let answers = join_all(claims).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
    // What was held and not used comes free by itself: all but four used ones.
    one.suite.clock.advance(TimeDelta::minutes(15));
    assert_eq!(seen(&one, "m0").await.places_left, 6);
    one.assert_sound().await;
    assert_eq!(seen(&one, "m0").await.places_left, 6);
}

#[tokio::test]
async fn a_place_whose_time_ran_out_is_free_before_any_job() {
    let service = with(vec![seats(1)]).await;
    service.earn("ann", 1).await;
    service.earn("bob", 1).await;
    let first = claim(&service, "ann", "r1").await.unwrap();
    assert_eq!(refusal(claim(&service, "bob", "r2").await), precondition("NO_PLACES_LEFT"));
    service.suite.clock.advance(TimeDelta::minutes(15));
    let request = GetClaimRequest { claim_id: first.claim_id.clone() };
    let read = client(&service).get_claim(request).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(read.state(), ClaimState::TimedOut);
    assert_eq!(refusal(use_it(&service, &first).await), precondition("CLAIM_TIMED_OUT"));
    let second = claim(&service, "bob", "r3").await.unwrap();
    assert_eq!(second.number, 2);
    // A retry is answered as before: a refusal stays one.
    assert_eq!(refusal(claim(&service, "bob", "r2").await), precondition("NO_PLACES_LEFT"));
    assert_eq!(claim(&service, "bob", "r3").await.unwrap(), second);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_claim_ends_once() {
    let service = with(vec![seats(5)]).await;
    service.earn("ann", 1).await;
    let used = claim(&service, "ann", "").await.unwrap();
    assert_eq!(use_it(&service, &used).await.unwrap().state(), ClaimState::Used);
    assert_eq!(refusal(use_it(&service, &used).await), precondition("CLAIM_USED"));
    assert_eq!(give_back(&service, &used).await.unwrap().state(), ClaimState::Returned);
    assert_eq!(refusal(give_back(&service, &used).await), precondition("CLAIM_RETURNED"));
    assert_eq!(refusal(use_it(&service, &used).await), precondition("CLAIM_RETURNED"));
    assert_eq!(seen(&service, "ann").await.places_left, 5);
    service.assert_sound().await;
}

#[tokio::test]
async fn benefits_grow_with_the_tier_and_open_earlier_for_the_few() {
    let opens = "2026-01-10T00:00:00Z".parse().unwrap();
    let service = with(vec![QuotaRule {
        min_tier: Tier::Silver,
        per_member: 1,
        open_from: Some(opens),
        early_hours: 120,
        ..seats(3)
    }])
    .await;
    service.earn("ann", 1).await;
    service.tell("sil", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.tell("dia", ActivityKind::Purchase, "p2", "o2", 900_000);
    service.suite.settle().await;
    assert_eq!(refusal(claim(&service, "nobody", "").await).1, "MEMBER_NOT_FOUND");
    assert_eq!(refusal(claim(&service, "ann", "").await), precondition("TIER_TOO_LOW"));
    assert_eq!(refusal(claim(&service, "sil", "").await), precondition("NOT_OPEN_YET"));
    assert_eq!(seen(&service, "sil").await.refusal, "NOT_OPEN_YET");
    assert_eq!(seen(&service, "nobody").await.refusal, "TIER_TOO_LOW");
    assert!(seen(&service, "dia").await.available);
    claim(&service, "dia", "").await.unwrap();
    assert_eq!(refusal(claim(&service, "dia", "").await), precondition("LIMIT_REACHED"));
    service.wait_days(5);
    claim(&service, "sil", "").await.unwrap();
    let request = ClaimBenefitRequest {
        user_id: "sil".to_owned(),
        benefit: "castle".to_owned(),
        ..Default::default()
    };
    let refused = client(&service).claim_benefit(request).await;
    assert_eq!(refusal(refused), (Code::NotFound, "BENEFIT_NOT_FOUND".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn places_are_counted_anew_each_local_month() {
    let service = with(vec![QuotaRule { period: Period::Month, ..seats(1) }]).await;
    service.earn("ann", 1).await;
    let january = claim(&service, "ann", "").await.unwrap();
    use_it(&service, &january).await.unwrap();
    assert_eq!(january.period, "2026-01");
    assert_eq!(refusal(claim(&service, "ann", "").await), precondition("NO_PLACES_LEFT"));
    service.suite.clock.set("2026-01-31T16:00:00Z".parse().unwrap());
    assert_eq!(claim(&service, "ann", "").await.unwrap().period, "2026-02");
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erased_member_holds_no_place() {
    let service = with(vec![seats(1)]).await;
    service.earn("ann", 1).await;
    service.earn("bob", 1).await;
    claim(&service, "ann", "").await.unwrap();
    service.erase("ann").await;
    claim(&service, "bob", "").await.unwrap();
    assert_eq!(refusal(claim(&service, "ann", "").await), precondition("MEMBER_CLOSED"));
    let request = ListClaimsRequest { user_id: "ann".to_owned(), ..Default::default() };
    let claims = client(&service).list_claims(request).await.unwrap().into_inner().claims;
    assert_eq!((claims.len(), claims[0].state()), (1, ClaimState::Returned));
    service.assert_sound().await;
}
