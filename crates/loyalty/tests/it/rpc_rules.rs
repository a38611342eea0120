//! Rules that change in the open: proposed, tried on the whole history, announced, in force.

use crate::fixture::{Service, suite};
use crate::rpc_promises::{at, promises};
use chrono::TimeDelta;
use perennial_loyalty::domain::RuleVersion;
use perennial_loyalty::{Config, mount};
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::{ActivityKind, UserRegistered};
use perennial_proto::loyalty::v1::rule_service_client::RuleServiceClient;
use perennial_proto::loyalty::v1::*;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tonic::Status;
use tonic::transport::Channel;

pub(super) fn client(service: &Service) -> RuleServiceClient<Channel> {
    RuleServiceClient::new(service.suite.channel())
}

pub(super) fn whole(number: i32) -> Value {
    Value { kind: Some(Kind::NumberValue(f64::from(number))) }
}

pub(super) fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

/// A part of the rules, where only this is said.
fn section(name: &str, value: Value) -> Value {
    let fields = [(name.to_owned(), value)].into();
    Value { kind: Some(Kind::StructValue(Struct { fields })) }
}

/// The rules in force under another name, with some parts replaced.
pub(super) async fn edited(service: &Service, version: &str, parts: &[(&str, Value)]) -> Struct {
    let mut document = current(service, "").await.document.unwrap();
    document.fields.insert("version".to_owned(), text(version));
    for (name, value) in parts {
        document.fields.insert((*name).to_owned(), value.clone());
    }
    document
}

/// The rules in force now, for a member if one is named.
pub(super) async fn current(service: &Service, user: &str) -> Rules {
    let request = GetRulesRequest { user_id: user.to_owned(), ..Default::default() };
    client(service).get_rules(request).await.unwrap().into_inner().rules.unwrap()
}

pub(super) async fn named(service: &Service, version: &str) -> Rules {
    let request = GetRulesRequest { version: version.to_owned(), ..Default::default() };
    client(service).get_rules(request).await.unwrap().into_inner().rules.unwrap()
}

pub(super) fn proposal(rules: Struct) -> ProposeRulesRequest {
    ProposeRulesRequest { rules: Some(rules), proposer: "pia".to_owned(), ..Default::default() }
}

pub(super) async fn announce(
    service: &Service,
    version: &str,
) -> Result<AnnounceRulesResponse, Status> {
    let request = AnnounceRulesRequest {
        version: version.to_owned(),
        approver: "abe".to_owned(),
        ..Default::default()
    };
    Ok(client(service).announce_rules(request).await?.into_inner())
}

pub(super) async fn activate(
    service: &Service,
    version: &str,
) -> Result<ActivateRulesResponse, Status> {
    let request = ActivateRulesRequest { version: version.to_owned(), ..Default::default() };
    Ok(client(service).activate_rules(request).await?.into_inner())
}

/// Proposes and announces rules that differ by these parts.
pub(super) async fn announced(service: &Service, version: &str, parts: &[(&str, Value)]) -> Rules {
    let rules = edited(service, version, parts).await;
    client(service).propose_rules(proposal(rules)).await.unwrap();
    announce(service, version).await.unwrap().rules.unwrap()
}

pub(super) fn register(service: &Service, user: &str) {
    let registered = UserRegistered { user_id: user.to_owned(), ..Default::default() };
    service.suite.log(Peer::Identity).append(service.now(), user, &registered);
}

/// A check-in now; answers what the member has.
pub(super) async fn check_in(service: &Service, user: &str, event: &str) -> i64 {
    service.tell(user, ActivityKind::CheckIn, event, "", 0);
    service.suite.settle().await;
    service.balance(user).await.spendable
}

#[tokio::test]
async fn better_rules_hold_at_once_on_every_replica() {
    let service = Service::start().await;
    let other = service.replica().await;
    assert_eq!(check_in(&service, "ann", "c1").await, 5);

    let parts = [("check_in_points", whole(8)), ("valid_months", whole(24))];
    let rules = edited(&service, "2", &parts).await;
    let proposed = client(&service).propose_rules(proposal(rules)).await.unwrap().into_inner();
    let [change, _] = &proposed.changes[..] else { panic!("{:?}", proposed.changes) };
    let known = (change.term.as_str(), change.before.as_str(), change.after.as_str());
    assert_eq!((known, change.class()), (("check_in_points", "5", "8"), RuleClass::Better));
    let announced = announce(&service, "2").await.unwrap().rules.unwrap();
    assert_eq!((announced.state(), announced.class()), (RuleState::Announced, RuleClass::Better));
    let active = activate(&service, "2").await.unwrap().rules.unwrap();
    let begins = at(active.effective_new);
    assert_eq!(active.effective_new, active.effective_existing);
    // As soon as every replica can know it: two sweeps.
    let after = begins - service.now();
    assert!((20_000..20_010).contains(&after.num_milliseconds()), "{after}");
    let year = |entry: Entry| (at(entry.expire_time) - service.now()).num_days() / 365;
    assert_eq!(year(other.earn("eve", 1).await), 1);
    other.suite.settle().await;

    for replica in [&service, &other] {
        replica.suite.clock.advance(TimeDelta::days(1));
        assert_eq!(current(replica, "ann").await.version, "2");
    }
    assert_eq!(year(other.earn("eve", 1).await), 2);
    assert_eq!(check_in(&service, "ann", "c3").await, 5 + 8);
    assert_eq!(service.suite.events_of::<RuleChangeAnnounced>().await.len(), 0);
    service.assert_sound().await;
}

/// Every figure can be verified by hand: one point a yuan and five a check-in before; two points a
/// yuan, no points for a check-in, and silver from 700 yuan or four orders after.
#[tokio::test]
async fn a_dry_run_says_who_moves_and_what_it_costs() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    for n in 0..3 {
        service.tell("bob", ActivityKind::Purchase, &format!("b{n}"), &format!("bo{n}"), 10_000);
    }
    service.tell("cat", ActivityKind::CheckIn, "c1", "", 0);
    service.tell("dan", ActivityKind::Purchase, "d1", "do1", 80_000);
    service.suite.settle().await;
    service.tell("dan", ActivityKind::Refund, "d2", "do1", 20_000);
    service.earn("eve", 7).await;
    service.suite.settle().await;

    let mut document = edited(&service, "2", &[("check_in_points", whole(0))]).await;
    let mut tiers = document.fields["tiers"].clone();
    let Some(Kind::StructValue(fields)) = &mut tiers.kind else { panic!() };
    let Some(Kind::StructValue(silver)) = &mut fields.fields.get_mut("silver").unwrap().kind else {
        panic!()
    };
    silver.fields.insert("spend_minor_units".to_owned(), whole(70_000));
    silver.fields.insert("orders".to_owned(), whole(4));
    document.fields.insert("tiers".to_owned(), tiers);
    let rates = document.fields.get_mut("purchases").unwrap();
    let Some(Kind::ListValue(rates)) = &mut rates.kind else { panic!() };
    let Some(Kind::StructValue(yuan)) = &mut rates.values[0].kind else { panic!() };
    assert_eq!(yuan.fields["currency"], text("CNY"));
    yuan.fields.insert("points_num".to_owned(), whole(2));

    let request = DryRunRulesRequest { rules: Some(document), page_size: 2, ..Default::default() };
    let first = client(&service).dry_run_rules(request.clone()).await.unwrap().into_inner();
    let run = first.dry_run.unwrap();
    assert_eq!(run.class(), RuleClass::Worse);
    assert_eq!((run.members, run.facts), (5, 6));
    // ann 1, bob 3, cat 1, dan 1, eve 1; the refund's entry takes points and earns none.
    assert_eq!(run.entries, 7);
    // ann and bob fall; cat loses her check-in; dan keeps silver (he had 800 once, and a tier is
    // guaranteed) and gains; nothing changes for eve.
    assert_eq!((run.better, run.worse, run.same), (1, 3, 1));
    let tiers: Vec<_> = run.tiers.iter().map(|t| (t.from(), t.to(), t.members)).collect();
    let expected = [
        (Tier::Ordinary, Tier::Ordinary, 2),
        (Tier::Silver, Tier::Ordinary, 2),
        (Tier::Silver, Tier::Silver, 1),
    ];
    assert_eq!(tiers, expected);
    // ann 600, bob 300, cat 5, dan 800 - 200, eve 7; then 1200, 600, 0, 1600 - 400, 7.
    assert_eq!((run.points_before, run.points_after), (1_512, 3_007));
    assert_eq!((run.liability_before, run.liability_after), (1_512, 3_007));
    let terms: Vec<_> = run.changes.iter().map(|c| (c.term.as_str(), c.class())).collect();
    assert_eq!(
        terms,
        [
            ("purchases[CNY].points", RuleClass::Better),
            ("check_in_points", RuleClass::Worse),
            ("tiers.silver.orders", RuleClass::Worse),
            ("tiers.silver.spend_minor_units", RuleClass::Worse),
        ]
    );

    let next = DryRunRulesRequest { page_token: first.next_page_token, ..request };
    let second = client(&service).dry_run_rules(next).await.unwrap().into_inner();
    assert_eq!((second.dry_run, second.next_page_token), (None, String::new()));
    let members: Vec<_> = first.members.into_iter().chain(second.members).collect();
    let names: Vec<_> = members.iter().map(|m| (m.user_id.as_str(), m.class())).collect();
    let expected = [
        ("ann", RuleClass::Worse),
        ("bob", RuleClass::Worse),
        ("cat", RuleClass::Worse),
        ("dan", RuleClass::Better),
    ];
    assert_eq!(names, expected);
    assert_eq!((members[3].points_before, members[3].points_after), (600, 1_200));
    // Nothing was written.
    let listed = client(&service).list_rules(ListRulesRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().rules.len(), 1);
    service.assert_sound().await;
}

/// Kill Bill's case with members: one date for who joins after the announcement, a later one for
/// existing members.
#[tokio::test]
async fn existing_members_keep_the_old_rules_until_their_own_date() {
    let service = Service::start().await;
    assert_eq!(check_in(&service, "old", "c1").await, 5);
    let start = service.now();
    let rules = edited(&service, "2", &[("check_in_points", whole(2))]).await;
    let request = ProposeRulesRequest {
        effective_new: Some(time::to_proto(start + TimeDelta::days(5))),
        effective_existing: Some(time::to_proto(start + TimeDelta::days(40))),
        ..proposal(rules)
    };
    client(&service).propose_rules(request).await.unwrap();
    announce(&service, "2").await.unwrap();
    service.suite.settle().await;
    // Lawful from the start: the notice will have run by the date it was proposed with.
    activate(&service, "2").await.unwrap();
    register(&service, "new");
    service.wait_days(10);
    assert_eq!(check_in(&service, "new", "c2").await, 2);
    assert_eq!(check_in(&service, "old", "c3").await, 5 + 5);
    let of = async |user| current(&service, user).await.version;
    assert_eq!(
        (of("old").await, of("new").await, of("").await),
        ("1".into(), "2".into(), "2".into())
    );
    let promised = promises(&service, "old").await;
    let points = promised.iter().find(|promise| promise.terms == "points").unwrap();
    assert_eq!((points.version.as_str(), points.next_version.as_str()), ("1", "2"));
    assert_eq!(at(points.until), start + TimeDelta::days(40));

    // Meanwhile, rules that are better than those but worse than the old ones are worse for those
    // who are still under the old ones.
    let between = announced(&service, "3", &[("check_in_points", whole(3))]).await;
    assert_eq!(between.class(), RuleClass::Worse);
    let withdraw = WithdrawRulesRequest { version: "3".to_owned(), ..Default::default() };
    let withdrawn = client(&service).withdraw_rules(withdraw).await.unwrap().into_inner();
    assert_eq!(withdrawn.rules.unwrap().state(), RuleState::Withdrawn);
    service.suite.advance(TimeDelta::days(31), TimeDelta::days(10)).await;
    assert_eq!(check_in(&service, "old", "c4").await, 5 + 5 + 2);
    service.assert_sound().await;
}

/// Tiers are judged again when rules change, by the member's own date.
#[tokio::test]
async fn members_fall_only_when_the_worse_rules_hold_for_them() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 50_000);
    service.suite.settle().await;
    let start = service.now();
    let tiers = edited(&service, "2", &[]).await.fields["tiers"].clone();
    let Some(Kind::StructValue(mut fields)) = tiers.kind else { panic!() };
    fields.fields.insert("keep_days".to_owned(), whole(10));
    let silver = section("spend_minor_units", whole(90_000));
    fields.fields.insert("silver".to_owned(), silver);
    let tiers = Value { kind: Some(Kind::StructValue(fields)) };
    announced(&service, "2", &[("tiers", tiers)]).await;
    service.suite.settle().await;
    service.wait_days(30);
    activate(&service, "2").await.unwrap();
    service.suite.advance(TimeDelta::days(300), TimeDelta::days(50)).await;
    // The guarantee given under the old rules stands.
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.suite.advance(TimeDelta::days(36), TimeDelta::days(12)).await;
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.rule_version.as_str()), (Tier::Ordinary, "2"));
    let fell = tier.justified_by.unwrap();
    assert_eq!(at(fell.change_time), start + TimeDelta::days(365));
    assert_eq!(fell.rule_version, "2");
    service.assert_sound().await;
}

#[tokio::test]
async fn the_same_request_twice_has_one_answer() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let rules = edited(&service, "2", &[("check_in_points", whole(6))]).await;
    let propose = ProposeRulesRequest { request_id: "r1".to_owned(), ..proposal(rules) };
    let first = client(&service).propose_rules(propose.clone()).await.unwrap().into_inner();
    let again = client(&service).propose_rules(propose).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    assert_eq!((first.rules, first.changes), (again.rules, again.changes));
    let request = AnnounceRulesRequest {
        request_id: "r2".to_owned(),
        version: "2".to_owned(),
        approver: "abe".to_owned(),
    };
    let first = client(&service).announce_rules(request.clone()).await.unwrap().into_inner();
    let again = client(&service).announce_rules(request).await.unwrap().into_inner();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.rules, again.rules);
    let request = ActivateRulesRequest { request_id: "r3".to_owned(), version: "2".to_owned() };
    let first = client(&service).activate_rules(request.clone()).await.unwrap().into_inner();
    let again = client(&service).activate_rules(request).await.unwrap().into_inner();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.rules, again.rules);
    service.assert_sound().await;
}

/// What a process with other settings on the same database is told when it starts.
async fn restarted(service: &Service, rules: Vec<RuleVersion>) -> perennial_platform::Result<()> {
    let config = Config { rules, ..service.config.clone() };
    let mut outcome = Ok(());
    suite(async |host, _| {
        outcome = mount(config.clone(), host).await;
        Ok(())
    })
    .await;
    outcome
}

#[tokio::test]
async fn rules_are_not_changed_by_a_restart() {
    let named = |points| RuleVersion {
        version: "first".to_owned(),
        check_in_points: points,
        ..RuleVersion::default()
    };
    let config = Config { rules: vec![named(5)], ..Config::default() };
    let service = Service::with(config).await;
    // Nobody was promised anything yet.
    restarted(&service, vec![named(4)]).await.unwrap();
    let other = Service {
        suite: service.suite,
        config: Config { rules: vec![named(4)], ..service.config },
    };
    let service = other;
    service.earn("ann", 1).await;
    let refused = restarted(&service, vec![named(5)]).await.unwrap_err();
    assert_eq!(refused.reason(), "RULES_CHANGED");
    assert!(refused.message().contains("first"), "{refused}");
    let second = RuleVersion {
        version: "second".to_owned(),
        effective_from: service.now(),
        ..RuleVersion::default()
    };
    let added = restarted(&service, vec![named(4), second]).await;
    assert_eq!(added.unwrap_err().reason(), "RULES_CHANGED");
    restarted(&service, vec![named(4)]).await.unwrap();
    // Settings that say nothing of rules mean those on record.
    restarted(&service, Config::default().rules).await.unwrap();
    assert_eq!(check_in(&service, "ann", "c1").await, 1 + 4);
    service.assert_sound().await;
}

#[tokio::test]
async fn an_erased_person_leaves_no_notice() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    announced(&service, "2", &[("check_in_points", whole(2))]).await;
    service.suite.settle().await;
    assert_eq!(named(&service, "2").await.notices, 1);
    let erased = perennial_proto::identity::v1::UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.suite.settle().await;
    assert_eq!(named(&service, "2").await.notices, 0);
    service.assert_sound().await;
}
