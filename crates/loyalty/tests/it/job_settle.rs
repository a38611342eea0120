//! What time brings about.

use crate::fixture::{Service, refusal};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::loyalty::v1::{EarnRequest, PointsExpired, PointsExpiring};
use tonic::Code;

async fn earn_for(service: &Service, points: i64, days: i64) {
    let expire_time = Some(time::to_proto(service.now() + TimeDelta::days(days)));
    let request =
        EarnRequest { user_id: "ann".to_owned(), points, expire_time, ..Default::default() };
    service.points().earn(request).await.unwrap();
}

#[tokio::test]
async fn points_past_their_date_are_gone_before_and_after_the_job() {
    let service = Service::start().await;
    earn_for(&service, 30, 10).await;
    earn_for(&service, 50, 20).await;
    service.wait_days(10);
    let before = service.balance("ann").await;
    assert_eq!((before.spendable, before.expired), (50, 30));
    let over = service.spend("ann", 51).await;
    assert_eq!(refusal(over), (Code::FailedPrecondition, "INSUFFICIENT_POINTS".to_owned()));
    service.suite.settle().await;
    let after = service.balance("ann").await;
    assert_eq!((after.spendable, after.expired), (50, 30));
    let told: Vec<PointsExpired> = service.suite.events_of().await;
    assert_eq!(told.iter().map(|expired| expired.points).collect::<Vec<_>>(), [30]);
    service.assert_sound().await;
}

#[tokio::test]
async fn by_default_points_are_good_through_a_local_day_twelve_months_later() {
    let service = Service::start().await;
    let earned = service.earn("ann", 10).await;
    // 5 January 2026 in Shanghai; good through 5 January 2027.
    let expected: chrono::DateTime<chrono::Utc> = "2027-01-05T16:00:00Z".parse().unwrap();
    assert_eq!(earned.expire_time, Some(time::to_proto(expected)));
}

#[tokio::test]
async fn holders_are_told_once_seven_days_before() {
    let service = Service::start().await;
    earn_for(&service, 30, 10).await;
    earn_for(&service, 40, 400).await;
    service.suite.advance(TimeDelta::days(2), TimeDelta::days(1)).await;
    assert!(service.suite.events_of::<PointsExpiring>().await.is_empty());
    service.suite.advance(TimeDelta::days(6), TimeDelta::days(1)).await;
    let told: Vec<PointsExpiring> = service.suite.events_of().await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].points, told[0].user_id.as_str()), (30, "ann"));
}

#[tokio::test]
async fn many_members_are_settled_in_few_transactions() {
    let service = Service::start().await;
    for n in 0..450 {
        service.earn(&format!("user-{n}"), 1).await;
    }
    service.wait_days(366);
    assert_eq!(service.suite.settle().await, 450);
    assert_eq!(service.suite.events_of::<PointsExpired>().await.len(), 450);
    service.assert_sound().await;
}
