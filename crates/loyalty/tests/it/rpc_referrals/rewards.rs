//! What steps give, and what the operator's check finds.

use super::{buys, progress, refer, returns, start, to};
use crate::fixture::Service;
use perennial_loyalty::Config;
use perennial_loyalty::domain::referral::Step;
use perennial_loyalty::domain::{self, Reward};
use perennial_platform::time;
use perennial_proto::loyalty::v1::reward::Kind;
use perennial_proto::loyalty::v1::{
    ListTierHistoryRequest, RewardGranted, Tier, TierChange, TierChangeCause,
};
use sea_orm::ConnectionTrait;

async fn brings(service: &Service, friends: &[&str]) {
    for friend in friends {
        refer(service, to("ann", friend)).await.unwrap();
        buys(service, friend, 5_000);
    }
    service.suite.settle().await;
    service.wait_days(14);
    service.suite.settle().await;
}

#[tokio::test]
async fn one_friend_is_three_months_and_five_are_a_year() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    brings(&service, &["f1"]).await;
    brings(&service, &["f2", "f3", "f4"]).await;
    brings(&service, &["f5"]).await;
    let told: Vec<RewardGranted> = service.suite.events_of().await;
    let given = told.into_iter().filter_map(|told| told.grant);
    let given = given.filter(|grant| grant.user_id == "ann" && grant.cause == "referral");
    let given: Vec<_> = given
        .map(|grant| match grant.reward.unwrap().kind.unwrap() {
            Kind::Membership(time) => (grant.cause_id, time.plan, time.months),
            other => panic!("{other:?}"),
        })
        .collect();
    let step = |id: &str, months| (id.to_owned(), "premium".to_owned(), months);
    assert_eq!(given, [step("step-1", 3), step("step-5", 12)]);
    assert_eq!(progress(&service, "ann").await.next, None);
    service.assert_sound().await;
}

#[tokio::test]
async fn a_tier_can_be_given_and_is_kept_as_long_as_a_reached_one() {
    let mut config = Config::default();
    let rewards = vec![Reward::Tier(domain::Tier::Gold)];
    config.rules[0].referrals.steps = vec![Step { friends: 1, rewards }];
    let service = Service::with(config).await;
    service.earn("ann", 1).await;
    brings(&service, &["bob"]).await;
    let tier = service.tier("ann").await;
    let until = service.now() + chrono::TimeDelta::days(365);
    assert_eq!((tier.tier(), tier.keep_until), (Tier::Gold, Some(time::to_proto(until))));
    assert_eq!(tier.justified_by.unwrap().cause(), TierChangeCause::Granted);
    service.wait_days(365);
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.suite.settle().await;
    let request = ListTierHistoryRequest { user_id: "ann".to_owned(), ..Default::default() };
    let history = service.tiers().list_tier_history(request).await.unwrap().into_inner();
    let causes: Vec<_> = history.changes.iter().map(TierChange::cause).collect();
    assert_eq!(causes, [TierChangeCause::Lapsed, TierChangeCause::Granted]);
    service.assert_sound().await;
}

/// Two recommendations are silver. Zoe's four all count; of Ann's the last one is lost again.
#[tokio::test]
async fn a_recommendation_that_is_taken_back_holds_nobody_up() {
    let service = start().await;
    service.earn("zoe", 1).await;
    for (wait, friends) in [(14, ["1", "2"]), (100, ["3", "4"])] {
        for advocate in ["ann", "zoe"] {
            for friend in friends {
                service.brings(advocate, &format!("{advocate}{friend}")).await;
            }
        }
        service.wait_days(wait);
        service.suite.settle().await;
    }
    returns(&service, "ann4", 10_000);
    service.suite.settle().await;
    let (ann, zoe) = (service.tier("ann").await, service.tier("zoe").await);
    assert_eq!((ann.tier(), zoe.tier()), (Tier::Silver, Tier::Silver));
    let counts = [ann.metrics.unwrap(), zoe.metrics.unwrap()].map(|all| all.recommendations);
    assert_eq!(counts, [3, 4]);
    // What was reached is guaranteed; then only the later friends are within the year.
    let until = time::from_proto("keep_until", &ann.keep_until.unwrap()).unwrap();
    service.suite.clock.set(until);
    service.suite.settle().await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Ordinary);
    assert_eq!(service.tier("zoe").await.tier(), Tier::Silver);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_table_itself_refuses_a_member_who_brought_themselves() {
    let service = start().await;
    brings(&service, &["bob"]).await;
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    assert!(tx.execute_unprepared("UPDATE referrals SET advocate_id = 'bob'").await.is_err());
    tx.rollback().await.unwrap();
    db.close().await;
}
