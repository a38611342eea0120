//! What the programme owes, and when money set aside becomes revenue.

use crate::fixture::{Service, fields};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{
    EarnRequest, GetLiabilityBreakdownRequest, GetLiabilityBreakdownResponse, GetLiabilityRequest,
    GetLiabilityResponse, GetRevenueScheduleRequest, RevenueLine, RevenuePeriod, Tier,
};
use perennial_proto::types::v1::Money;
use prost_types::Timestamp;
use sea_orm::ConnectionTrait;

async fn liability(service: &Service, as_of: Option<Timestamp>) -> GetLiabilityResponse {
    let request = GetLiabilityRequest { as_of };
    service.reports().get_liability(request).await.unwrap().into_inner()
}

async fn breakdown(service: &Service, as_of: Option<Timestamp>) -> GetLiabilityBreakdownResponse {
    let request = GetLiabilityBreakdownRequest { as_of };
    service.reports().get_liability_breakdown(request).await.unwrap().into_inner()
}

async fn earn(service: &Service, user: &str, points: i64, days: i64) {
    let request = EarnRequest {
        user_id: user.to_owned(),
        points,
        expire_time: Some(time::to_proto(service.now() + TimeDelta::days(days))),
        source: "shop".to_owned(),
        source_event_id: format!("{user}-{points}"),
        ..Default::default()
    };
    service.points().earn(request).await.unwrap();
}

fn money(minor_units: i64) -> Option<Money> {
    Some(Money { currency: "CNY".to_owned(), minor_units })
}

#[tokio::test]
async fn the_past_is_told_as_it_was() {
    let service = Service::start().await;
    service.earn("ann", 100).await;
    let first = time::to_proto(service.now());
    service.wait_days(1);
    service.spend("ann", 30).await.unwrap();
    service.earn("bob", 5).await;
    service.wait_days(400);
    service.suite.settle().await;
    let then = liability(&service, Some(first)).await;
    assert_eq!((then.issued, then.outstanding, then.redeemed), (100, 100, 0));
    assert_eq!((then.members, then.entries, then.as_of), (1, 1, Some(first)));
    let now = liability(&service, None).await;
    let same = liability(&service, Some(time::to_proto(service.now()))).await;
    assert_eq!(now, same);
    assert_eq!((now.outstanding, now.redeemed, now.expired), (0, 30, 75));
    let ahead = Some(time::to_proto(service.now() + TimeDelta::seconds(1)));
    let request = GetLiabilityRequest { as_of: ahead };
    assert_eq!(fields(service.reports().get_liability(request).await), ["as_of"]);
}

#[tokio::test]
async fn what_is_owed_is_told_by_month_tier_and_source() {
    let service = Service::start().await;
    // 600 points by a rule, and silver for what was paid.
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    earn(&service, "bob", 40, 30).await;
    earn(&service, "bob", 60, 60).await;
    let request = EarnRequest {
        user_id: "cid".to_owned(),
        points: 7,
        never_expires: true,
        ..Default::default()
    };
    service.points().earn(request).await.unwrap();
    let before = time::to_proto(service.now());
    service.wait_days(1);
    service.spend("bob", 15).await.unwrap();

    let owed = breakdown(&service, None).await;
    assert_eq!(owed.outstanding, 692);
    let months: Vec<(&str, i64)> =
        owed.by_expiry_month.iter().map(|m| (m.month.as_str(), m.points)).collect();
    assert_eq!(months, [("2026-02", 25), ("2026-03", 60), ("2027-01", 600), ("", 7)]);
    let tiers: Vec<(Tier, i64, i64)> =
        owed.by_tier.iter().map(|t| (t.tier(), t.points, t.members)).collect();
    let (gold, diamond) = ((Tier::Gold, 0, 0), (Tier::Diamond, 0, 0));
    assert_eq!(tiers, [(Tier::Ordinary, 92, 2), (Tier::Silver, 600, 1), gold, diamond]);
    let sources: Vec<(&str, &str, i64)> =
        owed.by_source.iter().map(|s| (s.rule.as_str(), s.source.as_str(), s.points)).collect();
    assert_eq!(sources, [("purchase", "shop", 600), ("", "shop", 85), ("", "", 7)]);
    assert_eq!(owed.breakage, None);
    assert_eq!(breakdown(&service, Some(before)).await.outstanding, 707);
}

#[tokio::test]
async fn what_expired_teaches_what_will() {
    let service = Service::start().await;
    earn(&service, "ann", 100, 10).await;
    service.spend("ann", 25).await.unwrap();
    service.wait_days(30);
    service.suite.settle().await;
    earn(&service, "bob", 50, 30).await;
    let owed = breakdown(&service, None).await;
    let breakage = owed.breakage.unwrap();
    // 75 expired of 100; of the 50 that are out, 37 likely will.
    assert_eq!((breakage.basis_points, breakage.expected_to_expire), (7_500, 37));
    assert_eq!(breakage.cohorts.len(), 1);
    let cohort = &breakage.cohorts[0];
    assert_eq!((cohort.month.as_str(), cohort.points), ("2026-01", 100));
    assert_eq!((cohort.used, cohort.expired, cohort.reversed), (25, 75, 0));
}

async fn schedule(service: &Service, periods: Vec<RevenuePeriod>) -> Vec<RevenueLine> {
    let request =
        GetRevenueScheduleRequest { allocated: money(9_000), periods, ..Default::default() };
    service.reports().get_revenue_schedule(request).await.unwrap().into_inner().lines
}

#[tokio::test]
async fn revenue_follows_what_is_redeemed_of_what_ever_will_be() {
    let service = Service::start().await;
    let period = |redeemed_total, expected_total| RevenuePeriod {
        redeemed_total,
        expected_total,
        end_time: None,
    };
    let lines = schedule(&service, vec![period(4_500, 9_700), period(8_500, 9_900)]).await;
    assert_eq!([&lines[0].revenue, &lines[1].revenue], [&money(4_175), &money(3_552)]);
    assert_eq!((&lines[1].recognised, &lines[1].deferred), (&money(7_727), &money(1_273)));
    let lines = schedule(&service, vec![period(4_500, 9_700), period(8_500, 9_200)]).await;
    assert_eq!(lines[1].revenue, money(4_140));

    // From the ledger: 100 of 1,000 are spent, and nothing has taught yet that some expire.
    service.earn("ann", 1_000).await;
    service.spend("ann", 100).await.unwrap();
    let end_time = Some(time::to_proto(service.now()));
    service.wait_days(1);
    service.spend("ann", 400).await.unwrap();
    let now = Some(time::to_proto(service.now()));
    let at = |end_time| RevenuePeriod { end_time, ..Default::default() };
    let lines = schedule(&service, vec![at(end_time), at(now)]).await;
    assert_eq!((lines[0].redeemed_total, lines[0].expected_total), (100, 1_000));
    assert_eq!([&lines[0].revenue, &lines[1].revenue], [&money(900), &money(3_600)]);

    let request = GetRevenueScheduleRequest {
        allocated: money(-1),
        periods: vec![at(now), at(end_time), period(2, 1)],
        ..Default::default()
    };
    let refused = fields(service.reports().get_revenue_schedule(request).await);
    let wrong =
        ["allocated.minor_units", "periods[1].end_time", "periods[2].expected_total", "periods"];
    assert_eq!(refused, wrong);
}

/// Members at the limit, more of them than sums in 64 bits hold.
#[tokio::test]
async fn sums_past_the_end_of_their_type_are_told_as_the_most_there_is() {
    let service = Service::start().await;
    service.earn("ann", 1).await;
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    let most = 1_000_000_000_000_000i64;
    tx.execute_unprepared(&format!("UPDATE members SET issued = {most}, redeemed = {most} - 1"))
        .await
        .unwrap();
    // Each step doubles them: 16,384 members.
    for step in 'a'..='n' {
        let columns = "joined_at, closed_at, available, held, escrow, debt, issued, redeemed, \
                       expired, reversed, transferred";
        let more = format!(
            "INSERT INTO members (user_id, {columns}) SELECT user_id || '{step}', {columns} \
             FROM members"
        );
        tx.execute_unprepared(&more).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    let owed = liability(&service, None).await;
    assert_eq!((owed.issued, owed.redeemed), (i64::MAX, i64::MAX));
    assert_eq!((owed.outstanding, owed.members), (16_384, 16_384));
}
