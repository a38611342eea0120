//! What nobody can mean, one by one: the table of docs/refusals.md.

use crate::fixture::Service;
use crate::rpc_memberships::{client as memberships, paying};
use crate::rpc_promises::set;
use crate::rpc_rules::{client as rules, edited, proposal, text};
use chrono::TimeDelta;
use perennial_loyalty::Config;
use perennial_platform::time;
use perennial_proto::loyalty::v1::coupon_service_client::CouponServiceClient;
use perennial_proto::loyalty::v1::referral_service_client::ReferralServiceClient;
use perennial_proto::loyalty::v1::*;
use perennial_proto::types::v1::Money;
use std::fmt::Debug;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A line of the table.
fn line<T: Debug>(what: &str, answer: Result<T, Status>) -> String {
    let status = answer.unwrap_err();
    let code = match status.code() {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::OutOfRange => "OUT_OF_RANGE",
        other => panic!("{what}: {other:?}"),
    };
    let reason = status.get_details_error_info().unwrap().reason;
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations);
    let bad = bad.unwrap_or_default();
    let named = [reason].into_iter().chain(bad.into_iter().map(|one| one.field));
    let named: Vec<String> = named.map(|name| format!("`{name}`")).collect();
    format!("| {what} | {code} | {} |", named.join(" "))
}

fn ann() -> String {
    "ann".to_owned()
}

fn earn(points: i64) -> EarnRequest {
    EarnRequest { user_id: ann(), points, ..Default::default() }
}

/// The first plan never renews.
async fn start() -> Service {
    let mut config = Config::default();
    config.rules[0].plans.plans[0].auto_renew = false;
    let service = Service::with(config).await;
    service.earn("ann", 100).await;
    service
}

/// Numbers, dates and ids.
async fn values(service: &Service, lines: &mut Vec<String>) {
    let mut points = service.points();
    lines.push(line("no points", points.earn(earn(0)).await));
    lines.push(line("points below zero", points.earn(earn(-1)).await));
    lines.push(line("more points than an entry may have", points.earn(earn(i64::MAX)).await));
    let requests =
        vec![EarnRequest { user_id: "max".to_owned(), ..earn(1_000_000_000_000) }; 1_000];
    points.earn_batch(EarnBatchRequest { requests }).await.unwrap();
    let one_more = EarnRequest { user_id: "max".to_owned(), ..earn(1) };
    lines.push(line("more points than a member may have", points.earn(one_more).await));
    lines.push(line("an unknown member", service.spend("nobody", 1).await));
    let at = |days| Some(time::to_proto(service.now() + TimeDelta::days(days)));
    for (what, days) in [("earned before 1970", -60 * 366), ("earned tomorrow", 1)] {
        let request = EarnRequest { occur_time: at(days), ..earn(1) };
        lines.push(line(what, points.earn(request).await));
    }
    for (what, days) in [("good until yesterday", -1), ("good for more than a century", 36_526)] {
        let request = EarnRequest { expire_time: at(days), ..earn(1) };
        lines.push(line(what, points.earn(request).await));
    }
    let said = EarnRequest { request_id: "r1".to_owned(), ..earn(1) };
    points.earn(said.clone()).await.unwrap();
    let other = EarnRequest { points: 2, ..said };
    lines.push(line("a `request_id` for another request", points.earn(other).await));
    let (source, source_event_id) = ("shop".to_owned(), "e1".to_owned());
    let said = EarnRequest { source, source_event_id, ..earn(1) };
    points.earn(said.clone()).await.unwrap();
    let other = EarnRequest { points: 2, ..said };
    lines.push(line("a business event with other points", points.earn(other).await));
}

/// More than there is, or twice.
async fn excess(service: &Service, lines: &mut Vec<String>) {
    let mut points = service.points();
    lines.push(line("spending more than there is", service.spend("ann", 1_000).await));
    let request = HoldRequest { user_id: ann(), points: 10, ..Default::default() };
    let hold_id = points.hold(request).await.unwrap().into_inner().hold_id;
    let capture =
        |points| CaptureRequest { hold_id: hold_id.clone(), points, ..Default::default() };
    lines.push(line("a capture above its hold", points.capture(capture(11)).await));
    points.capture(capture(10)).await.unwrap();
    lines.push(line("a second capture", points.capture(capture(10)).await));
    let entry_id = service.earn("ann", 10).await.entry_id;
    let request = ReverseRequest { entry_id, points: 11, ..Default::default() };
    lines.push(line("a refund above the original", points.reverse(request).await));
}

/// What refers to the wrong thing, or to nothing.
async fn references(service: &Service, lines: &mut Vec<String>) {
    let mut coupons = CouponServiceClient::new(service.suite.channel());
    let request =
        IssueCouponRequest { user_id: ann(), kind: "ten-yuan".into(), ..Default::default() };
    let code = coupons.issue_coupon(request).await.unwrap().into_inner().coupon.unwrap().code;
    for (what, currency) in [("a currency that is no code", "yuan"), ("another currency", "XAU")] {
        let order_amount = Some(Money { currency: currency.to_owned(), minor_units: 9_900 });
        let code = code.clone();
        let request =
            QuoteCouponRequest { user_id: ann(), code, order_amount, ..Default::default() };
        lines.push(line(what, coupons.quote_coupon(request).await));
    }
    let mut referrals = ReferralServiceClient::new(service.suite.channel());
    let mut refer = async |advocate: &str, friend: &str| {
        let request = ReferRequest {
            advocate_user_id: advocate.to_owned(),
            friend_user_id: friend.to_owned(),
            ..Default::default()
        };
        referrals.refer(request).await
    };
    lines.push(line("bringing oneself", refer("ann", "ann").await));
    refer("ann", "bob").await.unwrap();
    refer("bob", "cid").await.unwrap();
    lines.push(line("a circle of three", refer("cid", "ann").await));
    for (what, path) in [
        ("rules that give time of no plan", "referrals.steps.0.rewards.0.membership.plan"),
        ("rules that sell a place of no benefit", "benefits.catalogue.2.good.place"),
    ] {
        let mut document = edited(service, "2", &[]).await;
        set(&mut document, path, text("ghost"));
        lines.push(line(what, rules(service).propose_rules(proposal(document)).await));
    }
    paying(service, "ann").await;
    let request = ChangePlanRequest {
        user_id: ann(),
        plan: "premium".to_owned(),
        period: MembershipPeriod::Monthly.into(),
        ..Default::default()
    };
    let answer = memberships(service).change_plan(request).await;
    lines.push(line("a change of a plan that never renews", answer));
}

#[tokio::test]
async fn what_nobody_can_mean_is_refused_as_the_page_says() {
    let service = start().await;
    let mut lines = Vec::new();
    values(&service, &mut lines).await;
    excess(&service, &mut lines).await;
    references(&service, &mut lines).await;
    let page = include_str!("../../docs/refusals.md");
    let table: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(lines, table, "{}", lines.join("\n"));
    service.assert_sound().await;
}
