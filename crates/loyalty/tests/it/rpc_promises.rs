//! What a member began goes on as it began, and `ListPromises` says so.

use crate::fixture::Service;
use crate::rpc_rules::{activate, announce, client, edited, proposal, whole};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::{ActivityKind, UserRegistered};
use perennial_proto::loyalty::v1::catalogue_service_client::CatalogueServiceClient;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::membership_service_client::MembershipServiceClient;
use perennial_proto::loyalty::v1::progress_service_client::ProgressServiceClient;
use perennial_proto::loyalty::v1::referral_service_client::ReferralServiceClient;
use perennial_proto::loyalty::v1::*;
use perennial_proto::types::v1::Money;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

pub(super) async fn promises(service: &Service, user: &str) -> Vec<Promise> {
    let request = ListPromisesRequest { user_id: user.to_owned() };
    client(service).list_promises(request).await.unwrap().into_inner().promises
}

/// The one about this.
pub(super) fn about(promises: &[Promise], terms: &str) -> Promise {
    let found: Vec<&Promise> = promises.iter().filter(|promise| promise.terms == terms).collect();
    let [promise] = found[..] else { panic!("{terms}: {promises:?}") };
    promise.clone()
}

pub(super) fn at(stamp: Option<prost_types::Timestamp>) -> DateTime<Utc> {
    time::from_proto("at", &stamp.unwrap()).unwrap()
}

/// Replaces one value of a document.
pub(super) fn set(document: &mut Struct, path: &str, value: Value) {
    let mut parts = path.split('.');
    let mut place = document.fields.get_mut(parts.next().unwrap()).unwrap();
    for part in parts {
        place = match place.kind.as_mut().unwrap() {
            Kind::StructValue(fields) => fields.fields.get_mut(part).unwrap(),
            Kind::ListValue(items) => &mut items.values[part.parse::<usize>().unwrap()],
            other => panic!("{part} of {other:?}"),
        };
    }
    *place = value;
}

/// Version 2, in which everything is worse: for existing members from a hundred days on.
async fn worse_in_a_hundred_days(service: &Service) {
    let mut rules = edited(service, "2", &[]).await;
    for (path, value) in [
        ("progress.challenges.0.goal", 31),
        ("progress.streaks.0.milestones.0.days", 9),
        ("plans.plans.0.monthly", 2_500),
        ("referrals.min_order_minor_units", 9_000),
        ("benefits.coupons.0.valid_days", 5),
        ("benefits.catalogue.3.points", 4_000),
    ] {
        set(&mut rules, path, whole(value));
    }
    let later = time::to_proto(service.now() + TimeDelta::days(100));
    let request = ProposeRulesRequest { effective_existing: Some(later), ..proposal(rules) };
    client(service).propose_rules(request).await.unwrap();
    announce(service, "2").await.unwrap();
    service.suite.settle().await;
    activate(service, "2").await.unwrap();
}

/// Begins everything there is to begin.
async fn begin(service: &Service) {
    let channel = service.suite.channel();
    let ann = || "ann".to_owned();
    let join = JoinChallengeRequest {
        user_id: ann(),
        challenge: "thirty-days".to_owned(),
        ..Default::default()
    };
    ProgressServiceClient::new(channel.clone()).join_challenge(join).await.unwrap();
    service.tell("ann", ActivityKind::CheckIn, "c1", "", 0);
    for friend in ["bob", "cat"] {
        let refer = ReferRequest {
            advocate_user_id: ann(),
            friend_user_id: friend.to_owned(),
            ..Default::default()
        };
        ReferralServiceClient::new(channel.clone()).refer(refer).await.unwrap();
    }
    let issue =
        IssueCouponRequest { user_id: ann(), kind: "ten-yuan".to_owned(), ..Default::default() };
    CouponServiceClient::new(channel.clone()).issue_coupon(issue).await.unwrap();
    service.earn("ann", 5_000).await;
    let redeem =
        RedeemRewardRequest { user_id: ann(), item: "notebook".to_owned(), ..Default::default() };
    CatalogueServiceClient::new(channel).redeem_reward(redeem).await.unwrap();
    service.suite.settle().await;
}

#[tokio::test]
async fn what_began_keeps_its_version_when_the_rules_change() {
    let service = Service::start().await;
    let registered = UserRegistered { user_id: "ann".to_owned(), ..Default::default() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &registered);
    service.suite.settle().await;
    let start = service.now();
    worse_in_a_hundred_days(&service).await;
    service.suite.advance(TimeDelta::days(99), TimeDelta::days(33)).await;
    begin(&service).await;
    let began = service.now();
    service.suite.advance(TimeDelta::days(2), TimeDelta::days(1)).await;
    service.tell("ann", ActivityKind::CheckIn, "c2", "", 0);
    service.suite.settle().await;

    let promised = promises(&service, "ann").await;
    for terms in ["points", "progress", "referrals", "benefits"] {
        assert_eq!(about(&promised, terms).version, "2", "{terms}");
    }
    let expected = [
        ("challenge", "thirty-days", 1),
        ("streak", "check-in", 1),
        ("referral", "", 2),
        ("coupon", "ten-yuan", 1),
        ("redemption", "notebook", 1),
    ];
    for (terms, subject, count) in expected {
        let promise = about(&promised, terms);
        assert_eq!((promise.version.as_str(), promise.subject.as_str()), ("1", subject), "{terms}");
        assert_eq!(promise.count, count, "{terms}");
        assert!(at(promise.since) <= began, "{terms}");
        assert!(promise.until.is_none_or(|until| at(Some(until)) > service.now()), "{terms}");
    }
    // Thirty-three days of the member's, the first included: what the challenge itself says.
    let request = GetProgressRequest { user_id: "ann".to_owned() };
    let progress = ProgressServiceClient::new(service.suite.channel());
    let shown = progress.clone().get_progress(request).await.unwrap().into_inner();
    let challenge = shown.items.iter().find(|item| item.key == "thirty-days").unwrap();
    assert_eq!((challenge.goal, challenge.rule_version.as_str()), (30, "1"));
    let until = at(about(&promised, "challenge").until);
    assert!(until - began > TimeDelta::days(32) && until - began <= TimeDelta::days(33));

    // What ends is promised no more.
    let leave = LeaveChallengeRequest {
        user_id: "ann".to_owned(),
        challenge: "thirty-days".to_owned(),
        ..Default::default()
    };
    progress.clone().leave_challenge(leave).await.unwrap();
    service.wait_days(40);
    let promised = promises(&service, "ann").await;
    let over = ["challenge", "streak", "coupon"];
    assert!(!promised.iter().any(|promise| over.contains(&promise.terms.as_str())), "{promised:?}");
    assert!(start < began);
    service.assert_sound().await;
}

/// Subscribes to the basic plan by the month, and pays.
async fn subscribe(service: &Service, user: &str) {
    let mut members = MembershipServiceClient::new(service.suite.channel());
    let subscribe = SubscribeRequest {
        user_id: user.to_owned(),
        plan: "basic".to_owned(),
        period: MembershipPeriod::Monthly.into(),
        ..Default::default()
    };
    let first = members.subscribe(subscribe).await.unwrap().into_inner().membership.unwrap();
    let pay = ReportChargePaidRequest {
        charge_id: first.next_charge.unwrap().charge_id,
        payment_ref: format!("pay:{user}"),
        ..Default::default()
    };
    members.report_charge_paid(pay).await.unwrap();
}

#[tokio::test]
async fn a_membership_names_its_protected_price_and_until_when() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let start = service.now();
    subscribe(&service, "ann").await;
    let mut members = MembershipServiceClient::new(service.suite.channel());
    worse_in_a_hundred_days(&service).await;
    service.wait_days(1);
    // Somebody new pays more already.
    let promise = about(&promises(&service, "ann").await, "membership");
    assert_eq!((promise.version.as_str(), promise.next_version.as_str()), ("1", "2"));
    assert_eq!(promise.subject, "basic");
    let price = Money { currency: "CNY".to_owned(), minor_units: 2_000 };
    assert_eq!(promise.price, Some(price.clone()));
    assert_eq!(at(promise.until), start + TimeDelta::days(100));
    let request = GetMembershipRequest { user_id: "ann".to_owned() };
    let shown = members.get_membership(request).await.unwrap().into_inner().membership.unwrap();
    assert_eq!((shown.renewal_price, shown.price_rule_version), (Some(price), promise.version));

    let cancel = CancelRequest { user_id: "ann".to_owned(), ..Default::default() };
    members.cancel(cancel).await.unwrap();
    let promise = about(&promises(&service, "ann").await, "membership");
    assert_eq!((promise.price, promise.next_version.as_str()), (None, ""));
    assert_eq!(promise.until, shown.paid_through);
    service.assert_sound().await;
}

/// Whoever has the plan pays more; for whoever has another one, or none, it is only on offer.
#[tokio::test]
async fn a_dry_run_names_what_concerns_a_member_by_what_they_have() {
    let service = Service::start().await;
    for user in ["ann", "bob", "cat"] {
        service.earn(user, 1).await;
    }
    subscribe(&service, "ann").await;
    subscribe(&service, "bob").await;
    let cancel = CancelRequest { user_id: "bob".to_owned(), ..Default::default() };
    MembershipServiceClient::new(service.suite.channel()).cancel(cancel).await.unwrap();
    let run = async |path: &str, value: i32| {
        let mut rules = edited(&service, "2", &[]).await;
        set(&mut rules, path, whole(value));
        let request = DryRunRulesRequest { rules: Some(rules), ..Default::default() };
        client(&service).dry_run_rules(request).await.unwrap().into_inner()
    };
    for (monthly, class) in [(2_500, RuleClass::Worse), (1_500, RuleClass::Better)] {
        let answer = run("plans.plans.0.monthly", monthly).await;
        let [member] = &answer.members[..] else { panic!("{:?}", answer.members) };
        assert_eq!((member.user_id.as_str(), member.class()), ("ann", class));
        assert_eq!(member.terms, ["plans.plans[basic].monthly"]);
        let run = answer.dry_run.unwrap();
        let worse = i64::from(class == RuleClass::Worse);
        assert_eq!((run.class(), run.worse, run.better, run.same), (class, worse, 1 - worse, 2));
    }
    // What is only on offer concerns nobody by what they have.
    let answer = run("progress.challenges.0.goal", 31).await;
    assert_eq!(answer.members, []);
    assert_eq!(answer.dry_run.unwrap().class(), RuleClass::Worse);
    service.assert_sound().await;
}
