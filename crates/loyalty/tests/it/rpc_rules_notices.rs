//! Worse rules, and what members are told of them.

use crate::fixture::{Service, refusal};
use crate::rpc_promises::{at, promises};
use crate::rpc_rules::{
    activate, announce, announced, check_in, client, current, edited, named, proposal, register,
    whole,
};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_proto::loyalty::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test]
async fn worse_rules_begin_on_the_date_that_everybody_was_told() {
    let service = Service::start().await;
    let other = service.replica().await;
    service.earn("bob", 1).await;
    assert_eq!(check_in(&service, "ann", "c1").await, 5);
    let rules = edited(&service, "2", &[("check_in_points", whole(2))]).await;
    client(&service).propose_rules(proposal(rules)).await.unwrap();
    let announced = announce(&service, "2").await.unwrap();
    let rules = announced.rules.unwrap();
    assert_eq!(rules.class(), RuleClass::Worse);
    // A day to tell everybody, and thirty of notice.
    let begins = at(rules.announce_time) + TimeDelta::days(31);
    assert_eq!((at(announced.earliest), at(rules.effective_existing)), (begins, begins));
    assert_eq!(refusal(activate(&service, "2").await).1, "NOTICES_PENDING");
    service.suite.settle().await;
    let told: Vec<RuleChangeAnnounced> = service.suite.events_of().await;
    let users: Vec<&str> = told.iter().map(|told| told.user_id.as_str()).collect();
    assert_eq!(users, ["ann", "bob"]);
    assert!(told.iter().all(|told| at(told.effective_time) == begins));

    // What is enforced is what was told, however early it is activated.
    let active = activate(&service, "2").await.unwrap().rules.unwrap();
    assert_eq!(at(active.effective_existing), begins);
    assert_eq!((active.notices, named(&service, "2").await.notices), (0, 2));
    // Who joins now knows; what was promised to the others reads the same on every replica.
    register(&service, "new");
    service.suite.settle().await;
    other.suite.clock.set(service.now());
    let promises = promises(&other, "ann").await;
    let notice = promises.iter().find(|promise| promise.terms == "notice").unwrap();
    assert_eq!((notice.version.as_str(), at(notice.until)), ("2", begins));
    let points = promises.iter().find(|promise| promise.terms == "points").unwrap();
    assert_eq!((points.next_version.as_str(), at(points.until)), ("2", begins));

    service.suite.clock.set(begins - TimeDelta::microseconds(1));
    assert_eq!(check_in(&service, "ann", "c2").await, 5 + 5);
    assert_eq!(current(&service, "ann").await.version, "1");
    service.suite.clock.set(begins);
    assert_eq!(current(&service, "ann").await.version, "2");
    service.wait_days(1);
    assert_eq!(check_in(&service, "ann", "c3").await, 5 + 5 + 2);
    service.assert_sound().await;
}

/// Nobody is told a date that comes too soon after: then there is no such date.
#[tokio::test]
async fn notices_that_come_too_late_stop_a_version() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let rules = announced(&service, "2", &[("check_in_points", whole(2))]).await;
    // The job that tells them does not run for two days.
    service.wait_days(2);
    service.suite.settle().await;
    let status = activate(&service, "2").await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::FailedPrecondition, "NOTICES_LATE"));
    let begins: DateTime<Utc> = info.metadata["begins"].parse().unwrap();
    assert_eq!(begins, at(rules.effective_existing));
    // Nor later, when that date has long passed.
    service.wait_days(60);
    assert_eq!(refusal(activate(&service, "2").await).1, "NOTICES_LATE");
    service.assert_sound().await;
}

#[tokio::test]
async fn who_was_told_of_rules_is_told_that_they_were_withdrawn() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    service.earn("bob", 1).await;
    let rules = announced(&service, "2", &[("check_in_points", whole(2))]).await;
    service.suite.settle().await;
    // Better rules are told to nobody, nor is it told that they do not come.
    let withdraw = async |version: &str| {
        let request = WithdrawRulesRequest { version: version.to_owned(), ..Default::default() };
        client(&service).withdraw_rules(request).await.unwrap();
        service.suite.settle().await;
    };
    withdraw("2").await;
    announced(&service, "3", &[("check_in_points", whole(9))]).await;
    withdraw("3").await;
    let told: Vec<RuleChangeWithdrawn> = service.suite.events_of().await;
    let named_ones: Vec<_> = told.iter().map(|t| (&*t.user_id, &*t.rule_version)).collect();
    assert_eq!(named_ones, [("ann", "2"), ("bob", "2")]);
    assert_eq!(told[0].effective_time, rules.effective_existing);
    assert_eq!(named(&service, "2").await.notices, 0);
    assert!(!promises(&service, "ann").await.iter().any(|promise| promise.terms == "notice"));
    service.suite.settle().await;
    assert_eq!(service.suite.events_of::<RuleChangeWithdrawn>().await.len(), 2);
    service.assert_sound().await;
}
