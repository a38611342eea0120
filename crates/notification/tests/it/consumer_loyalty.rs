//! What loyalty tells: tiers and points about to expire.

use crate::world::{World, assert_state};
use chrono::TimeDelta;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::loyalty::v1::reward::Kind;
use perennial_proto::loyalty::v1::{
    CompensationGranted, Grant, MembershipChanged, MembershipRenewalDue, MembershipState,
    MembershipTime, PointsExpiring, Reward, RewardGranted, RuleChangeAnnounced,
    RuleChangeWithdrawn, Tier, TierChanged,
};
use perennial_proto::notification::v1::NotificationState as State;
use perennial_proto::types::v1::Money;

fn tier(world: &World, from: Tier, to: Tier) {
    let event = TierChanged {
        user_id: "u1".to_owned(),
        from: from.into(),
        to: to.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &event);
}

#[tokio::test]
async fn a_rise_is_congratulated_and_a_fall_is_not() {
    let world = World::new().await;
    world.people.add("u1");
    tier(&world, Tier::Unspecified, Tier::Ordinary);
    tier(&world, Tier::Ordinary, Tier::Gold);
    tier(&world, Tier::Gold, Tier::Silver);
    world.suite.settle().await;
    let told = world.triggered("u1", "tier-up").await;
    assert_eq!(told.len(), 1);
    assert_state(&told[0], State::Sent, "");
    assert!(world.mails()[0].1.contains("Subject: Congratulations: you are a gold member"));
}

#[tokio::test]
async fn points_about_to_expire_are_announced_with_the_day() {
    let world = World::new().await;
    world.people.add("u1");
    let event = PointsExpiring {
        user_id: "u1".to_owned(),
        points: 250,
        expire_time: Some(time::to_proto(world.now() + TimeDelta::days(7))),
        lot_id: "lot".to_owned(),
    };
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &event);
    world.suite.settle().await;
    assert_state(&world.triggered("u1", "points-expiring").await[0], State::Sent, "");
    let (_, mail) = world.mails().remove(0);
    assert!(mail.contains("Subject: 250 points are about to expire"), "{mail}");
    assert!(mail.contains("2026-03-09"), "{mail}");
}

/// Everything of these that loyalty can tell reaches the member as a message in their language.
#[tokio::test]
async fn money_rights_and_rewards_are_told() {
    let world = World::new().await;
    world.people.add("u1");
    let log = world.suite.log(Peer::Loyalty);
    let next_week = Some(time::to_proto(world.now() + TimeDelta::days(7)));
    let user_id = "u1".to_owned();
    let due = MembershipRenewalDue {
        user_id: user_id.clone(),
        membership_id: "mem".to_owned(),
        plan: "premium".to_owned(),
        price: Some(Money { currency: "CNY".to_owned(), minor_units: 3_000 }),
        renew_time: next_week,
        ends_trial: false,
    };
    log.append(world.now(), "u1", &due);
    log.append(world.now(), "u1", &MembershipRenewalDue { ends_trial: true, ..due });
    let failed = MembershipChanged {
        user_id: user_id.clone(),
        membership_id: "mem".to_owned(),
        plan: "premium".to_owned(),
        from: MembershipState::Active.into(),
        to: MembershipState::Grace.into(),
        access_until: next_week,
        change_time: Some(time::to_proto(world.now())),
    };
    log.append(world.now(), "u1", &failed);
    let lost = MembershipChanged {
        from: MembershipState::Grace.into(),
        to: MembershipState::OnHold.into(),
        access_until: None,
        ..failed
    };
    log.append(world.now(), "u1", &lost);
    let grant = |kind| Grant {
        user_id: user_id.clone(),
        reward: Some(Reward { kind: Some(kind) }),
        ..Default::default()
    };
    let days = MembershipTime { plan: "basic".to_owned(), months: 0, days: 7 };
    let compensation = CompensationGranted {
        user_id: user_id.clone(),
        grants: vec![grant(Kind::Points(200)), grant(Kind::Membership(days))],
        ..Default::default()
    };
    log.append(world.now(), "u1", &compensation);
    let badge = RewardGranted { grant: Some(grant(Kind::Badge("full-attendance".to_owned()))) };
    log.append(world.now(), "u1", &badge);
    let notice = RuleChangeAnnounced {
        user_id: user_id.clone(),
        rule_version: "2".to_owned(),
        effective_time: next_week,
    };
    log.append(world.now(), "u1", &notice);
    let withdrawn = RuleChangeWithdrawn {
        user_id: user_id.clone(),
        rule_version: "3".to_owned(),
        effective_time: notice.effective_time,
    };
    log.append(world.now(), "u1", &withdrawn);
    world.suite.settle().await;
    let triggers = [
        "membership-renewal",
        "trial-ending",
        "payment-failed",
        "membership-on-hold",
        "compensation",
        "reward",
        "rules-notice",
        "rules-withdrawn",
    ];
    for trigger in triggers {
        let told = world.triggered("u1", trigger).await;
        assert_eq!(told.len(), 1, "{trigger}");
        assert_state(&told[0], State::Sent, "");
    }
    let mails: String = world.mails().into_iter().map(|(_, mail)| mail).collect();
    for text in [
        "CNY 30.00",
        "2026-03-09",
        "ended on 2026-03-02",
        "200 points",
        "7 days of membership",
        "version 2",
        "version 3",
    ] {
        assert!(mails.contains(text), "{text} in {mails}");
    }
}

/// A membership that goes on as everybody expects is no news; neither is a tier among the rewards,
/// which has a message of its own.
#[tokio::test]
async fn what_is_no_news_is_not_told() {
    let world = World::new().await;
    world.people.add("u1");
    let paid = MembershipChanged {
        user_id: "u1".to_owned(),
        from: MembershipState::PendingPayment.into(),
        to: MembershipState::Active.into(),
        ..Default::default()
    };
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &paid);
    let reward = Some(Reward { kind: Some(Kind::Tier(Tier::Silver.into())) });
    let grant = Some(Grant { user_id: "u1".to_owned(), reward, ..Default::default() });
    world.suite.log(Peer::Loyalty).append(world.now(), "u1", &RewardGranted { grant });
    world.suite.settle().await;
    assert_eq!(world.mails(), Vec::new());
}
