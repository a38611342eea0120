//! Every number, and every nothing, can be computed again from what is answered.

use crate::fixture::{Service, fields, refusal};
use perennial_loyalty::Config;
use perennial_loyalty::domain::RuleVersion;
use perennial_loyalty::domain::rounding::Rounding;
use perennial_platform::events::Peer;
use perennial_proto::identity::v1::{ActivityKind, UserErased};
use perennial_proto::loyalty::v1::{
    EarnPendingRequest, Entry, ExplainBalanceRequest, ExplainEventRequest, ExplainEventResponse,
    GetStatementRequest, HoldRequest, LotExplanation, NoPointsReason, ReverseRequest,
    TransferRequest,
};
use perennial_proto::types::v1::Money;
use std::collections::BTreeMap;
use tonic::Code;

async fn why(service: &Service, event: &str) -> ExplainEventResponse {
    let request = ExplainEventRequest {
        user_id: "ann".to_owned(),
        source: "shop".to_owned(),
        source_event_id: event.to_owned(),
        ..Default::default()
    };
    service.points().explain_event(request).await.unwrap().into_inner()
}

async fn why_order(service: &Service, order: &str) -> ExplainEventResponse {
    let (user_id, order) = ("ann".to_owned(), order.to_owned());
    let request = ExplainEventRequest { user_id, order, ..Default::default() };
    service.points().explain_event(request).await.unwrap().into_inner()
}

async fn entries(service: &Service, user: &str) -> Vec<Entry> {
    let user_id = user.to_owned();
    let request = GetStatementRequest { user_id, page_size: 500, ..Default::default() };
    service.points().get_statement(request).await.unwrap().into_inner().entries
}

async fn lots(service: &Service, user: &str) -> Vec<LotExplanation> {
    let mut lots = Vec::new();
    let mut token = String::new();
    loop {
        let request =
            ExplainBalanceRequest { user_id: user.to_owned(), page_size: 2, page_token: token };
        let page = service.points().explain_balance(request).await.unwrap().into_inner();
        lots.extend(page.lots);
        token = page.next_page_token;
        if token.is_empty() {
            return lots;
        }
    }
}

/// What the contract says of the facts of a rule's entry, written a second time.
fn again(rule: &str, facts: &BTreeMap<String, String>) -> i64 {
    let number = |name: &str| facts.get(name).map_or(0, |text| text.parse::<i128>().unwrap());
    let points = match rule {
        "purchase" => {
            let (num, den) = facts["rate"].split_once('/').unwrap();
            let (num, den): (i128, i128) = (num.parse().unwrap(), den.parse().unwrap());
            (number("minor_units") * num + number("carried_in")).div_euclid(den).max(0)
        }
        "check-in" => number("points"),
        other => panic!("a rule that nobody knows: {other}"),
    };
    i64::try_from(points).unwrap()
}

#[tokio::test]
async fn what_an_activity_earned_is_computed_again() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 1_999);
    service.tell("ann", ActivityKind::CheckIn, "c1", "", 0);
    service.tell("ann", ActivityKind::Refund, "r1", "o1", 1_000);
    service.suite.settle().await;
    for answer in [why(&service, "p1").await, why_order(&service, "o1").await] {
        let entry = answer.entry.unwrap();
        assert_eq!((entry.points, answer.recomputed_points), (19, 19));
        assert_eq!((answer.rule.as_str(), answer.rule_version.as_str()), ("purchase", "1"));
        assert_eq!(again(&answer.rule, &answer.facts), 19);
        assert_eq!((answer.reason, &answer.facts), (0, &entry.facts));
    }
    let answer = why(&service, "c1").await;
    assert_eq!((answer.entry.unwrap().points, again(&answer.rule, &answer.facts)), (5, 5));
    let answer = why(&service, "r1").await;
    let entry = answer.entry.unwrap();
    assert_eq!((entry.points, answer.recomputed_points, answer.rule.as_str()), (9, 9, "refund"));
    service.assert_sound().await;
}

#[tokio::test]
async fn nothing_has_a_reason() {
    let service = Service::start().await;
    let gold = Money { currency: "XAU".to_owned(), minor_units: 100 };
    service.tell_paid("ann", ActivityKind::Purchase, "gold", "o1", Some(gold));
    service.tell("ann", ActivityKind::Purchase, "cents", "o2", 99);
    service.tell("ann", ActivityKind::Refund, "none", "o2", 99);
    service.tell("ann", ActivityKind::CheckIn, "c1", "", 0);
    service.tell("ann", ActivityKind::CheckIn, "c2", "", 0);
    service.suite.settle().await;
    let expected = [
        ("gold", NoPointsReason::CurrencyWithoutRate),
        ("cents", NoPointsReason::BelowOnePoint),
        ("none", NoPointsReason::BelowOnePoint),
        ("c2", NoPointsReason::CheckInAlreadyRewarded),
        ("never", NoPointsReason::UnknownEvent),
    ];
    for (event, reason) in expected {
        let answer = why(&service, event).await;
        assert_eq!((answer.reason(), answer.entry), (reason, None), "{event}");
    }
    let answer = why(&service, "cents").await;
    assert_eq!((answer.facts["minor_units"].as_str(), answer.rule_version.as_str()), ("99", "1"));
    assert_eq!(answer.recomputed_points, 0);
    assert_eq!(why_order(&service, "o9").await.reason(), NoPointsReason::UnknownEvent);
    // What belongs to somebody else is unknown.
    service.tell("bob", ActivityKind::Purchase, "his", "o3", 500);
    service.suite.settle().await;
    assert_eq!(why(&service, "his").await.reason(), NoPointsReason::UnknownEvent);
    let erased = UserErased { user_id: "ann".to_owned() };
    service.suite.log(Peer::Identity).append(service.now(), "ann", &erased);
    service.tell("ann", ActivityKind::Purchase, "late", "o4", 500);
    service.suite.settle().await;
    for event in ["late", "cents"] {
        let answer = why(&service, event).await;
        assert_eq!((answer.reason(), answer.facts.len()), (NoPointsReason::MemberClosed, 0));
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn an_event_is_named_in_exactly_one_way() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let ask = |source: &str, event: &str, order: &str| ExplainEventRequest {
        user_id: "ann".to_owned(),
        source: source.to_owned(),
        source_event_id: event.to_owned(),
        order: order.to_owned(),
    };
    let mut points = service.points();
    assert_eq!(fields(points.explain_event(ask("", "", "")).await), ["order"]);
    assert_eq!(fields(points.explain_event(ask("a", "b", "c")).await), ["order"]);
    assert_eq!(fields(points.explain_event(ask("a", "", "")).await), ["source_event_id"]);
    let nobody = ExplainEventRequest { user_id: "nobody".to_owned(), ..ask("a", "b", "") };
    let unknown = (Code::NotFound, "MEMBER_NOT_FOUND".to_owned());
    assert_eq!(refusal(points.explain_event(nobody).await), unknown);
}

/// Computes a member's balance from the explanation alone, and compares.
async fn assert_executed(service: &Service, user: &str) {
    let balance = service.balance(user).await;
    let (mut spendable, mut pending) = (0, 0);
    for lot in lots(service, user).await {
        let used: i64 = lot.uses.iter().map(|one| one.points).sum();
        let remaining = lot.points - lot.pending - lot.earlier_points - used;
        assert_eq!(remaining, lot.remaining, "{lot:?}");
        spendable += remaining - lot.held;
        pending += lot.pending;
    }
    assert_eq!((spendable, pending), (balance.spendable, balance.pending), "{user}");
}

/// After spending, refunds, a hold, pending points and a gift; and again after half of it expired.
#[tokio::test]
async fn executing_the_explanation_gives_the_balance() {
    let service = Service::start().await;
    for n in 0..6 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 12_345);
        service.tell("ann", ActivityKind::CheckIn, &format!("c{n}"), "", 0);
        service.suite.settle().await;
        service.wait_days(20);
    }
    service.earn("bob", 1).await;
    service.spend("ann", 200).await.unwrap();
    service.tell("ann", ActivityKind::Refund, "r1", "o4", 5_000);
    service.suite.settle().await;
    let mut points = service.points();
    let request = HoldRequest { user_id: "ann".to_owned(), points: 40, ..Default::default() };
    points.hold(request).await.unwrap();
    let request = EarnPendingRequest {
        user_id: "ann".to_owned(),
        points: 70,
        activate_after_days: 5,
        ..Default::default()
    };
    points.earn_pending(request).await.unwrap();
    let request = TransferRequest {
        from_user_id: "ann".to_owned(),
        to_user_id: "bob".to_owned(),
        points: 33,
        ..Default::default()
    };
    points.transfer(request).await.unwrap();
    let spent = service.spend("ann", 10).await.unwrap();
    let request = ReverseRequest { entry_id: spent.entry_id, points: 4, ..Default::default() };
    points.reverse(request).await.unwrap();
    for user in ["ann", "bob"] {
        assert_executed(&service, user).await;
    }
    let mut by_rules = 0;
    for entry in entries(&service, "ann").await.iter().filter(|entry| !entry.rule.is_empty()) {
        assert_eq!(again(&entry.rule, &entry.facts), entry.points, "{entry:?}");
        by_rules += 1;
    }
    assert_eq!(by_rules, 12);
    service.assert_sound().await;
    // The first three months' points expire, and some of what was given away with them.
    service.wait_days(330);
    service.suite.settle().await;
    for user in ["ann", "bob"] {
        let (balance, user) = (service.balance(user).await, user);
        assert!(balance.expired > 0 && balance.spendable > 0, "{user}: {balance:?}");
        assert_executed(&service, user).await;
    }
    service.assert_sound().await;
}

async fn carrying() -> Service {
    let rules = vec![RuleVersion { rounding: Rounding::Carry, ..RuleVersion::default() }];
    Service::with(Config { rules, ..Config::default() }).await
}

#[tokio::test]
async fn carried_fractions_become_points() {
    let service = carrying().await;
    for n in 0..100 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), "", 99);
    }
    service.tell("bob", ActivityKind::Purchase, "q", "", 9_900);
    service.suite.settle().await;
    let (ann, bob) = (service.balance("ann").await, service.balance("bob").await);
    assert_eq!((ann.spendable, bob.spendable), (99, 99));
    let first = why(&service, "p0").await;
    assert_eq!(first.reason(), NoPointsReason::BelowOnePoint);
    assert_eq!(
        (first.facts["carried_in"].as_str(), first.facts["carried_out"].as_str()),
        ("0", "99")
    );
    for entry in entries(&service, "ann").await {
        assert_eq!(again(&entry.rule, &entry.facts), entry.points);
    }
    service.assert_sound().await;
}

#[tokio::test]
async fn buying_and_giving_back_earns_nothing() {
    let service = carrying().await;
    for n in 0..20 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 99);
        service.tell("ann", ActivityKind::Refund, &format!("r{n}"), &format!("o{n}"), 99);
        service.tell("ann", ActivityKind::Purchase, &format!("s{n}"), "", 1);
    }
    service.suite.settle().await;
    // Twenty purchases of a cent stand: a fifth of a point.
    let ann = service.balance("ann").await;
    assert_eq!((ann.spendable, ann.debt), (0, 0));
    service.assert_sound().await;
}
