//! What was won, lost with a refund, and won again: nothing that was used is given twice.

use super::{badges, causes, item, progress, user, with_spending_task};
use crate::fixture::Service;
use crate::rpc_memberships::{has_access, membership};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_loyalty::Config;
use perennial_loyalty::domain::reward::Span;
use perennial_loyalty::domain::rules::ReversalPolicy;
use perennial_loyalty::domain::{self, Reward};
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::feature_service_client::FeatureServiceClient;
use perennial_proto::loyalty::v1::reward::Kind;
use perennial_proto::loyalty::v1::{
    CheckFeatureRequest, Coupon, CouponState, ListCouponsRequest, ListGrantsRequest, ProgressState,
    ReturnCouponRequest, RewardRevoked, Tier, UseCouponRequest,
};
use perennial_proto::types::v1::Money;

/// Rules with a task, for money paid, that brings this.
fn bringing(reward: Reward) -> Config {
    let mut config = with_spending_task();
    config.rules[0].progress.tasks[0].rewards = vec![reward];
    // No coupons but those that are won.
    config.rules[0].benefits.cycle = None;
    Config { require_expiry_warning: false, ..config }
}

/// Ann reaches the goal with her `n`-th order.
async fn wins(service: &Service, n: u32) {
    service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 10_000);
    service.suite.settle().await;
    assert_eq!(item(service, "ann", "spend-100").await.state(), ProgressState::Completed, "{n}");
}

/// And gives that order back.
async fn loses(service: &Service, n: u32) {
    service.tell("ann", ActivityKind::Refund, &format!("r{n}"), &format!("o{n}"), 10_000);
    service.suite.settle().await;
    assert_eq!(item(service, "ann", "spend-100").await.state(), ProgressState::Running, "{n}");
}

fn coupon_client(service: &Service) -> CouponServiceClient<tonic::transport::Channel> {
    CouponServiceClient::new(service.suite.channel())
}

/// The states of Ann's coupons, the latest first.
async fn states(service: &Service) -> Vec<CouponState> {
    coupons(service).await.iter().map(Coupon::state).collect()
}

async fn coupons(service: &Service) -> Vec<Coupon> {
    let request = ListCouponsRequest { user_id: user("ann"), ..Default::default() };
    coupon_client(service).list_coupons(request).await.unwrap().into_inner().coupons
}

async fn use_coupon(service: &Service) {
    let request = UseCouponRequest {
        user_id: user("ann"),
        code: coupons(service).await[0].code.clone(),
        order_ref: "o".to_owned(),
        order_amount: Some(Money { currency: "CNY".to_owned(), minor_units: 6_000 }),
        ..Default::default()
    };
    coupon_client(service).use_coupon(request).await.unwrap();
}

async fn open_until(service: &Service) -> Option<DateTime<Utc>> {
    let request = CheckFeatureRequest { user_id: user("ann"), feature: "export".to_owned() };
    let mut client = FeatureServiceClient::new(service.suite.channel());
    let until = client.check_feature(request).await.unwrap().into_inner().open_until;
    until.map(|until| time::from_proto("open_until", &until).unwrap())
}

#[tokio::test]
async fn a_coupon_that_was_used_is_not_won_again() {
    let service = Service::with(bringing(Reward::Coupon("ten-yuan".to_owned()))).await;
    wins(&service, 1).await;
    use_coupon(&service).await;
    for n in 1..4 {
        loses(&service, n).await;
        service.wait_days(1);
        wins(&service, n + 1).await;
        assert_eq!(states(&service).await, [CouponState::Used], "{n}");
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn a_coupon_that_was_not_used_is_won_again() {
    let service = Service::with(bringing(Reward::Coupon("ten-yuan".to_owned()))).await;
    wins(&service, 1).await;
    loses(&service, 1).await;
    assert_eq!(states(&service).await, [CouponState::Revoked]);
    service.wait_days(1);
    wins(&service, 2).await;
    assert_eq!(states(&service).await, [CouponState::Open, CouponState::Revoked]);
    assert_eq!(causes(&service, "ann").await, ["task spend-100#1/2"]);
    // Used now, and that it is for the third time and all times after.
    use_coupon(&service).await;
    loses(&service, 2).await;
    service.wait_days(1);
    wins(&service, 3).await;
    assert_eq!(states(&service).await, [CouponState::Used, CouponState::Revoked]);
    service.assert_sound().await;
}

/// The coupon served an order that was taken back itself: then it was not used, and what it was
/// given for decides whether it is there.
#[tokio::test]
async fn a_coupon_given_back_after_what_it_was_for_is_over() {
    let service = Service::with(bringing(Reward::Coupon("ten-yuan".to_owned()))).await;
    wins(&service, 1).await;
    use_coupon(&service).await;
    loses(&service, 1).await;
    let request = ReturnCouponRequest {
        user_id: user("ann"),
        code: coupons(&service).await[0].code.clone(),
        order_ref: "o".to_owned(),
        ..Default::default()
    };
    coupon_client(&service).return_coupon(request).await.unwrap();
    assert_eq!(states(&service).await, [CouponState::Revoked]);
    service.wait_days(1);
    wins(&service, 2).await;
    assert_eq!(states(&service).await, [CouponState::Open, CouponState::Revoked]);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_a_feature_the_rest_is_won_again() {
    let span = Span { months: 0, days: 30 };
    let feature = Reward::Feature { feature: "export".to_owned(), span };
    let service = Service::with(bringing(feature)).await;
    let days = TimeDelta::days;
    wins(&service, 1).await;
    assert_eq!(open_until(&service).await, Some(service.now() + days(30)));
    service.wait_days(10);
    service.suite.clock.advance(TimeDelta::hours(1));
    loses(&service, 1).await;
    assert_eq!(open_until(&service).await, None);
    // Of the eleventh day an hour was used: nineteen are left.
    wins(&service, 2).await;
    assert_eq!(open_until(&service).await, Some(service.now() + days(19)));
    service.wait_days(19);
    assert_eq!(open_until(&service).await, None);
    loses(&service, 2).await;
    wins(&service, 3).await;
    assert_eq!(open_until(&service).await, None);
    service.assert_sound().await;
}

#[tokio::test]
async fn of_a_membership_the_rest_is_taken_and_won_again() {
    let plan = Reward::Membership { plan: "basic".to_owned(), span: Span { months: 1, days: 0 } };
    let service = Service::with(bringing(plan)).await;
    wins(&service, 1).await;
    service.wait_days(10);
    loses(&service, 1).await;
    assert!(!has_access(&service, "ann").await);
    // From 5 January to 5 February they were thirty-one.
    wins(&service, 2).await;
    let until = service.now() + TimeDelta::days(21);
    let seen = membership(&service, "ann").await;
    assert_eq!(seen.paid_through, Some(time::to_proto(until)));
    service.wait_days(20);
    loses(&service, 2).await;
    wins(&service, 3).await;
    service.suite.clock.set(until - TimeDelta::microseconds(1));
    assert!(has_access(&service, "ann").await);
    service.suite.clock.set(until);
    assert!(!has_access(&service, "ann").await);
    service.assert_sound().await;
}

/// With a policy that leaves what was spent, only what came back is given again.
#[tokio::test]
async fn of_points_those_that_came_back_are_won_again() {
    let config =
        Config { reversal_policy: ReversalPolicy::WithinBalance, ..bringing(Reward::Points(500)) };
    let service = Service::with(config).await;
    wins(&service, 1).await;
    let spendable = service.balance("ann").await.spendable;
    // 100 of the purchase and 70 of the reward are left.
    service.spend("ann", spendable - 170).await.unwrap();
    loses(&service, 1).await;
    assert_eq!(service.balance("ann").await.spendable, 0);
    wins(&service, 2).await;
    assert_eq!(service.balance("ann").await.spendable, 170);
    let request = ListGrantsRequest { user_id: user("ann"), ..Default::default() };
    let grants = progress(&service).list_grants(request).await.unwrap().into_inner().grants;
    let mut points: Vec<_> = grants.into_iter().map(|g| g.reward.unwrap().kind.unwrap()).collect();
    points.sort_by_key(|kind| matches!(kind, Kind::Points(500)));
    assert_eq!(points, [Kind::Points(70), Kind::Points(500)]);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_tier_that_is_taken_back_stays_for_as_long_as_it_was_guaranteed() {
    let service = Service::with(bringing(Reward::Tier(domain::Tier::Gold))).await;
    wins(&service, 1).await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Gold);
    let until = service.now() + TimeDelta::days(365);
    service.wait_days(10);
    loses(&service, 1).await;
    assert_eq!(service.suite.events_of::<RewardRevoked>().await.len(), 1);
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.keep_until), (Tier::Gold, Some(time::to_proto(until))));
    service.assert_sound().await;
    service.suite.clock.set(until - TimeDelta::microseconds(1));
    assert_eq!(service.tier("ann").await.tier(), Tier::Gold);
    service.suite.clock.set(until);
    assert_ne!(service.tier("ann").await.tier(), Tier::Gold);
    service.suite.settle().await;
    // And is given again.
    wins(&service, 2).await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Gold);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_completed_task_stays_where_the_rules_keep_it() {
    let mut config = bringing(Reward::Badge("spender".to_owned()));
    config.rules[0].progress.tasks[0].on_refund = domain::progress::OnRefund::Keep;
    let service = Service::with(config).await;
    wins(&service, 1).await;
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 10_000);
    service.suite.settle().await;
    let task = item(&service, "ann", "spend-100").await;
    assert_eq!((task.state(), task.done), (ProgressState::Completed, 0));
    wins(&service, 2).await;
    assert_eq!(badges(&service, "ann").await, ["spender"]);
    assert_eq!(causes(&service, "ann").await, ["task spend-100#1"]);
    assert!(service.suite.events_of::<RewardRevoked>().await.is_empty());
    service.assert_sound().await;
}
