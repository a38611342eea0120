//! CatalogueService: points, stock and reward change hands together.

use crate::fixture::{Service, refusal};
use crate::rpc_memberships::has_access;
use chrono::TimeDelta;
use futures::future::join_all;
use perennial_loyalty::Config;
use perennial_loyalty::domain::benefit::BenefitRules;
use perennial_loyalty::domain::catalogue::{Good, Item};
use perennial_loyalty::domain::quota::QuotaRule;
use perennial_loyalty::domain::reward::Span;
use perennial_loyalty::domain::{Reward, RuleVersion, Tier};
use perennial_proto::loyalty::v1::benefit_service_client::BenefitServiceClient;
use perennial_proto::loyalty::v1::catalogue_service_client::CatalogueServiceClient;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::feature_service_client::FeatureServiceClient;
use perennial_proto::loyalty::v1::{
    CancelRedemptionRequest, CheckFeatureRequest, ConfirmRedemptionRequest, Coupon,
    FulfilRedemptionRequest, GetRedemptionRequest, ListClaimsRequest, ListCouponsRequest,
    ListRewardsRequest, RedeemRewardRequest, Redemption, RedemptionState, ReturnBenefitRequest,
    UseBenefitRequest, UseCouponRequest,
};
use perennial_proto::types::v1::Money;
use tonic::transport::Channel;
use tonic::{Code, Status};

fn client(service: &Service) -> CatalogueServiceClient<Channel> {
    CatalogueServiceClient::new(service.suite.channel())
}

async fn start() -> Service {
    let item = |key: &str, points, good, stock| Item {
        key: key.to_owned(),
        points,
        good,
        stock,
        per_member: 0,
        min_tier: Tier::Ordinary,
    };
    let span = Span { months: 1, days: 0 };
    let export = Reward::Feature { feature: "export".to_owned(), span };
    let mut gold = item("gold", 10, Good::External, 0);
    gold.min_tier = Tier::Gold;
    let mut single = item("single", 10, Good::External, 0);
    single.per_member = 1;
    let catalogue = vec![
        item("coupon", 100, Good::Reward(Reward::Coupon("ten-yuan".to_owned())), 3),
        item("export", 50, Good::Reward(export), 0),
        item("mug", 80, Good::External, 2),
        gold,
        single,
        item("basic", 310, Good::Reward(Reward::Membership { plan: "basic".to_owned(), span }), 0),
        item("silver", 10, Good::Reward(Reward::Tier(Tier::Silver)), 0),
        item("seat", 20, Good::Place("seats".to_owned()), 0),
    ];
    let mut benefits = BenefitRules { catalogue, ..BenefitRules::default() };
    benefits.places.push(QuotaRule { key: "seats".to_owned(), places: 1, ..QuotaRule::default() });
    let rules = vec![RuleVersion { benefits, ..RuleVersion::default() }];
    Service::with(Config { rules, ..Config::default() }).await
}

async fn redeem(service: &Service, user: &str, item: &str) -> Result<Redemption, Status> {
    hold(service, user, item, 0).await
}

async fn hold(
    service: &Service,
    user: &str,
    item: &str,
    seconds: i64,
) -> Result<Redemption, Status> {
    let within = prost_types::Duration { seconds, nanos: 0 };
    let request = RedeemRewardRequest {
        user_id: user.to_owned(),
        item: item.to_owned(),
        confirm_within: (seconds > 0).then_some(within),
        ..Default::default()
    };
    Ok(client(service).redeem_reward(request).await?.into_inner().redemption.unwrap())
}

async fn cancel(service: &Service, one: &Redemption) -> Result<Redemption, Status> {
    let redemption_id = one.redemption_id.clone();
    let request = CancelRedemptionRequest { redemption_id, ..Default::default() };
    Ok(client(service).cancel_redemption(request).await?.into_inner().redemption.unwrap())
}

async fn confirm(service: &Service, one: &Redemption) -> Result<Redemption, Status> {
    let redemption_id = one.redemption_id.clone();
    let request = ConfirmRedemptionRequest { redemption_id, ..Default::default() };
    Ok(client(service).confirm_redemption(request).await?.into_inner().redemption.unwrap())
}

async fn fulfil(service: &Service, one: &Redemption) -> Result<Redemption, Status> {
    let redemption_id = one.redemption_id.clone();
    let request = FulfilRedemptionRequest { redemption_id, ..Default::default() };
    Ok(client(service).fulfil_redemption(request).await?.into_inner().redemption.unwrap())
}

/// Where it stands as it is read, and the points that went back.
async fn returned(service: &Service, one: &Redemption) -> (RedemptionState, i64) {
    let request = GetRedemptionRequest { redemption_id: one.redemption_id.clone() };
    let read = client(service).get_redemption(request).await.unwrap().into_inner().redemption;
    let read = read.unwrap();
    (read.state(), read.points_returned)
}

async fn coupons(service: &Service, user: &str) -> Vec<Coupon> {
    let request = ListCouponsRequest { user_id: user.to_owned(), ..Default::default() };
    let mut client = CouponServiceClient::new(service.suite.channel());
    client.list_coupons(request).await.unwrap().into_inner().coupons
}

async fn left(service: &Service, user: &str, item: &str) -> (i64, bool, String) {
    let request = ListRewardsRequest { user_id: user.to_owned() };
    let items = client(service).list_rewards(request).await.unwrap().into_inner().items;
    let found = items.into_iter().find(|one| one.key == item).unwrap();
    (found.stock_left, found.available, found.refusal)
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test]
async fn points_buy_a_coupon_and_come_back_with_it() {
    let service = start().await;
    service.earn("ann", 150).await;
    let bought = redeem(&service, "ann", "coupon").await.unwrap();
    assert_eq!((bought.state(), bought.points_returned), (RedemptionState::Fulfilled, 0));
    assert_eq!(service.balance("ann").await.spendable, 50);
    assert_eq!(coupons(&service, "ann").await.len(), 1);
    assert_eq!(left(&service, "ann", "coupon").await, (2, false, "INSUFFICIENT_POINTS".to_owned()));
    assert_eq!(
        refusal(redeem(&service, "ann", "coupon").await),
        precondition("INSUFFICIENT_POINTS")
    );
    let cancelled = cancel(&service, &bought).await.unwrap();
    assert_eq!((cancelled.state(), cancelled.points_returned), (RedemptionState::Cancelled, 100));
    assert_eq!(service.balance("ann").await.spendable, 150);
    assert_eq!(left(&service, "ann", "coupon").await, (3, true, String::new()));
    assert_eq!(refusal(cancel(&service, &bought).await), precondition("REDEMPTION_CANCELLED"));
    service.assert_sound().await;
}

#[tokio::test]
async fn a_used_coupon_is_not_given_back() {
    let service = start().await;
    service.earn("ann", 100).await;
    let bought = redeem(&service, "ann", "coupon").await.unwrap();
    let request = UseCouponRequest {
        user_id: "ann".to_owned(),
        code: coupons(&service, "ann").await.remove(0).code,
        order_ref: "o1".to_owned(),
        order_amount: Some(Money { currency: "CNY".to_owned(), minor_units: 5_000 }),
        ..Default::default()
    };
    CouponServiceClient::new(service.suite.channel()).use_coupon(request).await.unwrap();
    assert_eq!(refusal(cancel(&service, &bought).await), precondition("REWARD_USED"));
    assert_eq!(service.balance("ann").await.spendable, 0);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_is_held_is_confirmed_cancelled_or_lapses() {
    let service = start().await;
    service.earn("ann", 200).await;
    let one = hold(&service, "ann", "mug", 600).await.unwrap();
    let two = hold(&service, "ann", "mug", 600).await.unwrap();
    assert_eq!(service.balance("ann").await.spendable, 40);
    assert_eq!(refusal(fulfil(&service, &one).await), precondition("REDEMPTION_NOT_CONFIRMED"));
    assert_eq!(left(&service, "ann", "mug").await.2, "NO_PLACES_LEFT");
    assert_eq!(confirm(&service, &one).await.unwrap().state(), RedemptionState::Paid);
    assert_eq!(refusal(confirm(&service, &one).await), precondition("REDEMPTION_CONFIRMED"));
    assert_eq!(fulfil(&service, &one).await.unwrap().state(), RedemptionState::Fulfilled);
    assert_eq!(refusal(fulfil(&service, &one).await), precondition("REDEMPTION_FULFILLED"));
    service.suite.clock.advance(TimeDelta::minutes(10));
    // No job has run.
    assert_eq!(returned(&service, &two).await, (RedemptionState::Lapsed, 80));
    assert_eq!(service.balance("ann").await.spendable, 120);
    assert_eq!(left(&service, "ann", "mug").await.0, 1);
    assert_eq!(refusal(confirm(&service, &two).await), precondition("REDEMPTION_LAPSED"));
    assert_eq!(refusal(cancel(&service, &two).await), precondition("REDEMPTION_LAPSED"));
    let three = hold(&service, "ann", "mug", 600).await.unwrap();
    assert_eq!(cancel(&service, &three).await.unwrap().points_returned, 80);
    assert_eq!(returned(&service, &three).await, (RedemptionState::Cancelled, 80));
    assert_eq!(service.balance("ann").await.spendable, 120);
    // Even what was delivered can be taken back: the caller knows why.
    assert_eq!(returned(&service, &one).await, (RedemptionState::Fulfilled, 0));
    assert_eq!(cancel(&service, &one).await.unwrap().points_returned, 80);
    assert_eq!(service.balance("ann").await.spendable, 200);
    service.assert_sound().await;
}

/// Otherwise the place could be kept, or used, and the points come back.
#[tokio::test]
async fn a_place_that_a_redemption_holds_is_resolved_by_the_redemption_alone() {
    let service = start().await;
    service.earn("ann", 20).await;
    service.earn("bob", 20).await;
    let held = hold(&service, "ann", "seat", 600).await.unwrap();
    let mut benefits = BenefitServiceClient::new(service.suite.channel());
    let request = ListClaimsRequest { user_id: "ann".to_owned(), ..Default::default() };
    let claims = benefits.list_claims(request).await.unwrap().into_inner().claims;
    let none = (Code::NotFound, "CLAIM_NOT_FOUND".to_owned());
    assert!(claims.iter().any(|claim| claim.benefit == "seats"), "{claims:?}");
    for claim in claims {
        let claim_id = claim.claim_id;
        let request = UseBenefitRequest { claim_id: claim_id.clone(), ..Default::default() };
        assert_eq!(refusal(benefits.use_benefit(request).await), none);
        let request = ReturnBenefitRequest { claim_id, ..Default::default() };
        assert_eq!(refusal(benefits.return_benefit(request).await), none);
    }
    assert_eq!(refusal(redeem(&service, "bob", "seat").await), precondition("NO_PLACES_LEFT"));
    cancel(&service, &held).await.unwrap();
    assert_eq!(service.balance("ann").await.spendable, 20);
    redeem(&service, "bob", "seat").await.unwrap();
    service.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_had_costs_nothing() {
    let service = start().await;
    service.earn("ann", 100).await;
    let none = (Code::NotFound, "ITEM_NOT_FOUND".to_owned());
    assert_eq!(refusal(redeem(&service, "ann", "castle").await), none);
    let nobody = (Code::NotFound, "MEMBER_NOT_FOUND".to_owned());
    assert_eq!(refusal(redeem(&service, "bob", "mug").await), nobody);
    assert_eq!(refusal(redeem(&service, "ann", "gold").await), precondition("TIER_TOO_LOW"));
    assert_eq!(service.balance("ann").await.spendable, 100);
    redeem(&service, "ann", "single").await.unwrap();
    assert_eq!(refusal(redeem(&service, "ann", "single").await), precondition("LIMIT_REACHED"));
    assert_eq!(service.balance("ann").await.spendable, 90);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_feature_is_bought_and_what_is_left_goes_back() {
    let service = start().await;
    service.earn("ann", 50).await;
    let bought = redeem(&service, "ann", "export").await.unwrap();
    let mut features = FeatureServiceClient::new(service.suite.channel());
    let request = CheckFeatureRequest { user_id: "ann".to_owned(), feature: "export".to_owned() };
    assert!(features.check_feature(request.clone()).await.unwrap().into_inner().open);
    cancel(&service, &bought).await.unwrap();
    assert!(!features.check_feature(request).await.unwrap().into_inner().open);
    assert_eq!(service.balance("ann").await.spendable, 50);
    service.assert_sound().await;
}

/// Of 31 days 21 are left: that share of the points, rounded down, goes back.
#[tokio::test]
async fn time_that_was_used_is_paid_for() {
    let service = start().await;
    service.earn("ann", 360).await;
    let feature = redeem(&service, "ann", "export").await.unwrap();
    let membership = redeem(&service, "ann", "basic").await.unwrap();
    assert!(has_access(&service, "ann").await);
    service.wait_days(10);
    assert_eq!(cancel(&service, &feature).await.unwrap().points_returned, 50 * 21 / 31);
    assert_eq!(returned(&service, &feature).await, (RedemptionState::Cancelled, 50 * 21 / 31));
    assert_eq!(service.balance("ann").await.spendable, 50 * 21 / 31);
    assert_eq!(cancel(&service, &membership).await.unwrap().points_returned, 210);
    assert_eq!(service.balance("ann").await.spendable, 50 * 21 / 31 + 210);
    assert!(!has_access(&service, "ann").await);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_what_was_used_up_nothing_goes_back() {
    let service = start().await;
    service.earn("ann", 370).await;
    let bought = [
        redeem(&service, "ann", "silver").await.unwrap(),
        redeem(&service, "ann", "export").await.unwrap(),
        redeem(&service, "ann", "basic").await.unwrap(),
    ];
    // What a tier guarantees stays, so it is used at once.
    assert_eq!(refusal(cancel(&service, &bought[0]).await), precondition("REWARD_USED"));
    service.suite.clock.set("2026-02-05T09:00:00Z".parse().unwrap());
    for one in &bought {
        assert_eq!(refusal(cancel(&service, one).await), precondition("REWARD_USED"));
    }
    assert_eq!(service.balance("ann").await.spendable, 0);
    service.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_is_sold_once_and_retries_are_free() {
    let one = start().await;
    let other = one.replica().await;
    for n in 0..20 {
        one.earn(&format!("m{n}"), 100).await;
    }
    let buys = (0..80).map(|n| {
        let service = if n % 2 == 0 { &one } else { &other };
        let request = RedeemRewardRequest {
            request_id: format!("r{}", n / 2),
            user_id: format!("m{}", n / 2 % 20),
            item: "mug".to_owned(),
            confirm_within: None,
        };
        async move { client(service).redeem_reward(request).await }
    });
    let answers = join_all(buys).await;
    let fresh = |answer: &&Result<tonic::Response<_>, Status>| {
        answer.as_ref().is_ok_and(
            |answer: &tonic::Response<perennial_proto::loyalty::v1::RedeemRewardResponse>| {
                !answer.get_ref().replayed
            },
        )
    };
    assert_eq!(answers.iter().filter(fresh).count(), 2);
    let mut spendable = 0;
    for n in 0..20 {
        spendable += one.balance(&format!("m{n}")).await.spendable;
    }
    assert_eq!(spendable, 20 * 100 - 2 * 80);
    one.assert_sound().await;
}

#[tokio::test]
async fn an_erased_member_holds_nothing() {
    let service = start().await;
    service.earn("ann", 100).await;
    let held = hold(&service, "ann", "mug", 600).await.unwrap();
    service.erase("ann").await;
    assert_eq!(refusal(confirm(&service, &held).await), precondition("REDEMPTION_CANCELLED"));
    assert_eq!(left(&service, "bob", "mug").await.0, 2);
    assert_eq!(refusal(redeem(&service, "ann", "mug").await), precondition("MEMBER_CLOSED"));
    service.assert_sound().await;
}
