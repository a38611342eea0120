//! Every refusal, with its reason; a plan that never renews; prices of members of before.

use super::{
    State, cancel, client, collect, due, has_access, instant, membership, paying, report_paid,
    subscribe, wish, yuan,
};
use crate::fixture::{Service, fields, refusal};
use chrono::TimeDelta;
use perennial_loyalty::Config;
use perennial_loyalty::domain::RuleVersion;
use perennial_proto::loyalty::v1::{
    ChangePlanRequest, GetMembershipRequest, MembershipPeriod, MembershipRenewalDue, PauseRequest,
    ReportChargeFailedRequest, ReportPayoutDoneRequest, RequestRefundRequest, ResumeRequest,
    SubscribeRequest, UndoCancelRequest,
};

fn user(user: &str) -> String {
    user.to_owned()
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let service = Service::start().await;
    let mut calls = client(&service);
    let reason = |answer| refusal::<()>(answer);
    let nobody = GetMembershipRequest { user_id: user("ann") };
    let answer = calls.get_membership(nobody).await.map(drop);
    assert_eq!(reason(answer).1, "MEMBERSHIP_NOT_FOUND");
    assert_eq!(refusal(cancel(&service, "ann", false).await).1, "MEMBERSHIP_NOT_FOUND");
    let request = RequestRefundRequest { user_id: user("ann"), ..Default::default() };
    let answer = calls.request_refund(request).await.map(drop);
    assert_eq!(reason(answer).1, "MEMBERSHIP_NOT_FOUND");
    let unknown = subscribe(&service, wish("ann", "gold", false)).await;
    assert_eq!(refusal(unknown).1, "PLAN_NOT_FOUND");
    let offer = SubscribeRequest { offer: user("ten-for-one"), ..wish("ann", "basic", false) };
    assert_eq!(refusal(subscribe(&service, offer).await).1, "OFFER_NOT_FOUND");
    let offer = SubscribeRequest { offer: user("third-year-free"), ..wish("ann", "basic", true) };
    assert_eq!(fields(subscribe(&service, offer).await), ["trial"]);
    let none = SubscribeRequest { period: 0, ..wish("ann", "basic", false) };
    assert_eq!(fields(subscribe(&service, none).await), ["period"]);
    let charge = "chg_0123456789abcdef0123456789abcdef";
    assert_eq!(refusal(report_paid(&service, charge, "p").await).1, "CHARGE_NOT_FOUND");
    let payout = charge.replace("chg", "pay");
    let request =
        ReportPayoutDoneRequest { payout_id: payout, payment_ref: user("p"), ..Default::default() };
    let answer = calls.report_payout_done(request).await.map(drop);
    assert_eq!(reason(answer).1, "PAYOUT_NOT_FOUND");
    assert!(!has_access(&service, "ann").await);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_done_twice_is_refused() {
    let service = Service::start().await;
    let mut calls = client(&service);
    let begun = subscribe(&service, wish("ann", "basic", true)).await.unwrap();
    let again = subscribe(&service, wish("ann", "premium", false)).await;
    assert_eq!(refusal(again).1, "ALREADY_SUBSCRIBED");
    let early = begun.next_charge.unwrap().charge_id;
    assert_eq!(refusal(report_paid(&service, &early, "p").await).1, "CHARGE_NOT_DUE");
    let request = PauseRequest { user_id: user("ann"), ..Default::default() };
    assert_eq!(refusal(calls.pause(request).await).1, "NOT_ACTIVE");
    let request = ResumeRequest { user_id: user("ann"), ..Default::default() };
    assert_eq!(refusal(calls.resume(request).await).1, "NOT_PAUSED");
    let undo = UndoCancelRequest { user_id: user("ann"), ..Default::default() };
    assert_eq!(refusal(calls.undo_cancel(undo.clone()).await).1, "NOT_CANCELED");
    cancel(&service, "ann", false).await.unwrap();
    assert_eq!(refusal(cancel(&service, "ann", false).await).1, "ALREADY_CANCELED");
    let change = ChangePlanRequest {
        user_id: user("ann"),
        plan: user("premium"),
        period: MembershipPeriod::Monthly.into(),
        ..Default::default()
    };
    assert_eq!(refusal(calls.change_plan(change).await).1, "DOES_NOT_RENEW");
    cancel(&service, "ann", true).await.unwrap();
    assert!(!has_access(&service, "ann").await);
    assert_eq!(refusal(cancel(&service, "ann", true).await).1, "MEMBERSHIP_ENDED");
    assert_eq!(refusal(calls.undo_cancel(undo).await).1, "MEMBERSHIP_ENDED");
    // One trial, whatever was canceled in between, and whatever account is used.
    let again = subscribe(&service, wish("ann", "premium", true)).await;
    assert_eq!(refusal(again).1, "TRIAL_USED");
    let person =
        |name| SubscribeRequest { person_key: user("phone:1"), ..wish(name, "basic", true) };
    subscribe(&service, person("bob")).await.unwrap();
    assert_eq!(refusal(subscribe(&service, person("bobby")).await).1, "TRIAL_USED");
    service.assert_sound().await;
}

#[tokio::test]
async fn reports_that_contradict_each_other_are_refused() {
    let service = Service::start().await;
    let mut calls = client(&service);
    subscribe(&service, wish("ann", "basic", false)).await.unwrap();
    let charge = due(&service).await.pop().unwrap().charge_id;
    let refund = RequestRefundRequest { user_id: user("ann"), ..Default::default() };
    assert_eq!(refusal(calls.request_refund(refund).await).1, "NOTHING_PAID");
    let first = report_paid(&service, &charge, "p").await.unwrap();
    // Told again it is the same payment; another one it is not.
    assert_eq!(report_paid(&service, &charge, "p").await.unwrap(), first);
    assert_eq!(refusal(report_paid(&service, &charge, "q").await).1, "CHARGE_PAID");
    let failed = |charge: &str| ReportChargeFailedRequest {
        charge_id: charge.to_owned(),
        reason: user("declined"),
        ..Default::default()
    };
    let answer = calls.report_charge_failed(failed(&charge)).await;
    assert_eq!(refusal(answer).1, "CHARGE_PAID");

    // Canceled while the first charge is being collected.
    subscribe(&service, wish("bob", "basic", false)).await.unwrap();
    let charge = due(&service).await.pop().unwrap().charge_id;
    cancel(&service, "bob", false).await.unwrap();
    assert_eq!(membership(&service, "bob").await.state(), State::Expired);
    let answer = calls.report_charge_failed(failed(&charge)).await;
    assert_eq!(refusal(answer).1, "CHARGE_VOID");
    let late = report_paid(&service, &charge, "p").await.unwrap();
    assert_eq!(late.payout.clone().unwrap().amount, yuan(1_600));
    assert_eq!(report_paid(&service, &charge, "p").await.unwrap(), late);
    assert!(!has_access(&service, "bob").await);
    service.assert_sound().await;
}

/// The charge was called off before its day; money that comes nevertheless buys nothing.
#[tokio::test]
async fn money_for_a_charge_called_off_before_its_day_is_owed_back() {
    let service = Service::start().await;
    let trial = subscribe(&service, wish("ann", "advanced", true)).await.unwrap();
    let charge = trial.next_charge.unwrap().charge_id;
    assert_eq!(refusal(report_paid(&service, &charge, "p").await).1, "CHARGE_NOT_DUE");
    cancel(&service, "ann", false).await.unwrap();
    let paid = report_paid(&service, &charge, "p").await.unwrap();
    assert_eq!(paid.payout.unwrap().amount, yuan(4_000));
    service.assert_sound().await;
}

/// The shipped rules, and a later version of them.
fn two_versions(change: impl Fn(&mut RuleVersion)) -> Config {
    let mut later = RuleVersion {
        version: "2".to_owned(),
        effective_from: "2026-02-20T00:00:00Z".parse().unwrap(),
        ..RuleVersion::default()
    };
    change(&mut later);
    Config { rules: vec![RuleVersion::default(), later], ..Config::default() }
}

#[tokio::test]
async fn a_plan_that_never_renews_ends_without_a_notice() {
    let mut rules = RuleVersion::default();
    rules.plans.plans[0].auto_renew = false;
    let service = Service::with(Config { rules: vec![rules], ..Config::default() }).await;
    let paid = paying(&service, "ann").await;
    assert!(!paid.renews);
    let end = instant(paid.paid_through);
    service.suite.advance(end - service.now(), TimeDelta::days(1)).await;
    assert!(service.suite.events_of::<MembershipRenewalDue>().await.is_empty());
    assert_eq!(membership(&service, "ann").await.state(), State::Expired);
    let change = ChangePlanRequest {
        user_id: user("bob"),
        plan: user("premium"),
        period: MembershipPeriod::Monthly.into(),
        ..Default::default()
    };
    paying(&service, "bob").await;
    let answer = client(&service).change_plan(change).await;
    assert_eq!(refusal(answer).1, "DOES_NOT_RENEW");
    service.assert_sound().await;
}

/// The price of a notice stands even if another version begins before the money is collected.
#[tokio::test]
async fn the_price_of_the_notice_is_what_is_collected() {
    let service = Service::with(two_versions(|later| {
        later.plans.plans[0].monthly = Some(9_000);
    }))
    .await;
    let end = instant(paying(&service, "ann").await.paid_through);
    service.suite.advance(end - service.now(), TimeDelta::days(1)).await;
    assert_eq!(collect(&service).await, [2_000]);
    let end = instant(membership(&service, "ann").await.paid_through);
    service.suite.clock.set(end - TimeDelta::days(7));
    service.suite.settle().await;
    let told: Vec<MembershipRenewalDue> = service.suite.events_of().await;
    assert_eq!(told.last().unwrap().price, yuan(9_000));
    service.suite.clock.set(end);
    assert_eq!(collect(&service).await, [9_000]);
    service.assert_sound().await;
}

#[tokio::test]
async fn unsound_plans_are_named() {
    let mut rules = RuleVersion::default();
    rules.plans.plans[0].monthly = Some(0);
    let config = Config { rules: vec![rules], ..Config::default() };
    assert!(config.programme().unwrap_err().to_string().contains("basic"));
}
