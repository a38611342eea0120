//! Following identity's log.

use crate::fixture::{Service, refusal};
use perennial_platform::events::Peer;
use perennial_proto::identity::v1::{ActivityKind, UserErased, UserRegistered};
use perennial_proto::loyalty::v1::{
    EarnRequest, Entry, EntryKind, GetStatementRequest, GetStatementResponse, PointsEarned, Tier,
};
use perennial_proto::types::v1::Money;
use tonic::Code;

async fn statement(service: &Service, user: &str) -> GetStatementResponse {
    let request = GetStatementRequest { user_id: user.to_owned(), ..Default::default() };
    service.points().get_statement(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_purchase_earns_by_the_rule_and_says_what_was_read() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 1_999);
    service.suite.settle().await;
    let entry = statement(&service, "ann").await.entries.remove(0);
    assert_eq!(
        (entry.points, entry.rule.as_str(), entry.rule_version.as_str()),
        (19, "purchase", "1")
    );
    assert_eq!(entry.facts["minor_units"], "1999");
    assert_eq!(entry.facts["rate"], "1/100");
    assert_eq!((entry.source.as_str(), entry.source_event_id.as_str()), ("shop", "p1"));
    let told: Vec<PointsEarned> = service.suite.events_of().await;
    assert_eq!(told[0].rule, "purchase");
    service.assert_sound().await;
}

#[tokio::test]
async fn an_order_that_costs_nothing_is_an_order() {
    let service = Service::start().await;
    let free = Money { currency: "CNY".to_owned(), minor_units: 0 };
    for n in 0..3 {
        service.tell_paid("ann", ActivityKind::Purchase, &format!("p{n}"), "", Some(free.clone()));
    }
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.issued, 0);
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.assert_sound().await;
}

#[tokio::test]
async fn the_same_activity_told_twice_counts_once() {
    let service = Service::start().await;
    for _ in 0..2 {
        service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
        service.tell("ann", ActivityKind::Refund, "r1", "o1", 20_000);
    }
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 400);
    assert_eq!(service.tier("ann").await.metrics.unwrap().spend_minor_units, 40_000);
    service.assert_sound().await;
}

#[tokio::test]
async fn refunds_in_parts_net_to_exactly_nothing() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 9_999);
    for (n, part) in [3_333, 1, 2_222, 4_443].into_iter().enumerate() {
        service.tell("ann", ActivityKind::Refund, &format!("r{n}"), "o1", part);
    }
    // More than was paid, an order nobody knows, and an order not named: nothing.
    service.tell("ann", ActivityKind::Refund, "r8", "o1", 5_000);
    service.tell("ann", ActivityKind::Refund, "r9", "o9", 5_000);
    service.tell("ann", ActivityKind::Refund, "r10", "", 5_000);
    service.suite.settle().await;
    let balance = service.balance("ann").await;
    assert_eq!((balance.issued, balance.reversed), (99, 99));
    assert_eq!((balance.spendable, balance.debt), (0, 0));
    let metrics = service.tier("ann").await.metrics.unwrap();
    assert_eq!((metrics.spend_minor_units, metrics.orders), (0, 0));
    service.assert_sound().await;
}

#[tokio::test]
async fn one_check_in_a_local_day() {
    let service = Service::start().await;
    // 09:00 UTC is 17:00 in Shanghai; seven hours later it is the next day there.
    for (n, hours) in [0, 3, 4, 20].into_iter().enumerate() {
        service.suite.clock.advance(chrono::TimeDelta::hours(hours));
        service.tell("ann", ActivityKind::CheckIn, &format!("c{n}"), "", 0);
    }
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.spendable, 10);
    let days: Vec<String> = statement(&service, "ann")
        .await
        .entries
        .into_iter()
        .map(|entry| entry.facts["local_day"].clone())
        .collect();
    assert_eq!(days, ["2026-01-06", "2026-01-05"]);
}

#[tokio::test]
async fn a_registered_user_is_a_member_without_points() {
    let service = Service::start().await;
    let registered = UserRegistered { user_id: "ann".to_owned(), register_time: None };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &registered);
    service.suite.settle().await;
    assert_eq!(service.balance("ann").await.issued, 0);
}

#[tokio::test]
async fn an_erased_user_keeps_a_ledger_but_no_points() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 80_000);
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 10_000);
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 10_000);
    service.suite.settle().await;
    let balance = service.balance("ann").await;
    assert_eq!((balance.spendable, balance.expired, balance.closed), (0, 800, true));
    // What she bought is forgotten.
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.justified_by), (Tier::Ordinary, None));
    assert_eq!(tier.metrics.unwrap().orders, 0);
    let kinds: Vec<EntryKind> =
        statement(&service, "ann").await.entries.iter().map(Entry::kind).collect();
    assert_eq!(kinds, [EntryKind::Expire, EntryKind::Earn]);
    let request = EarnRequest { user_id: "ann".to_owned(), points: 1, ..Default::default() };
    let answer = service.points().earn(request).await;
    assert_eq!(refusal(answer), (Code::FailedPrecondition, "MEMBER_CLOSED".to_owned()));
    service.assert_sound().await;
}

#[tokio::test]
async fn whoever_registers_again_begins_anew() {
    let service = Service::start().await;
    let registered = UserRegistered { user_id: "ann".to_owned(), register_time: None };
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 200_000);
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.suite.settle().await;
    service.wait_days(30);
    service.suite.log(Peer::Identity).append(service.now(), "ann", &registered);
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 100_000);
    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 60_000);
    service.suite.settle().await;
    let balance = service.balance("ann").await;
    assert!(!balance.closed);
    assert_eq!((balance.spendable, balance.expired, balance.issued), (600, 2_000, 2_600));
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.earn("ann", 1).await;
    assert_eq!(statement(&service, "ann").await.entries.len(), 4);
    service.assert_sound().await;
    // And can go again.
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.suite.settle().await;
    assert!(service.balance("ann").await.closed);
    service.assert_sound().await;
}
