//! Tiers over time.

use crate::fixture::Service;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use perennial_loyalty::Config;
use perennial_loyalty::domain::tier::{Keep, Window};
use perennial_platform::db::Engine;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::{
    CountTiersRequest, ListTierHistoryRequest, Tier, TierChangeCause, TierChanged,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

async fn counts(service: &Service) -> Vec<i64> {
    let tiers = service.reports().count_tiers(CountTiersRequest {}).await.unwrap().into_inner();
    tiers.tiers.iter().map(|count| count.members).collect()
}

#[tokio::test]
async fn purchases_raise_the_tier_and_the_answer_says_why() {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 49_900);
    service.suite.settle().await;
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.justified_by), (Tier::Ordinary, None));
    let next = tier.next.unwrap();
    assert_eq!((next.tier(), next.spend_missing, next.orders_missing), (Tier::Silver, 100, 2));

    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 200_000);
    service.suite.settle().await;
    let tier = service.tier("ann").await;
    assert_eq!(tier.tier(), Tier::Gold);
    let kept = time::to_proto(service.now() + TimeDelta::days(365));
    assert_eq!(tier.keep_until, Some(kept));
    let why = tier.justified_by.unwrap();
    assert_eq!((why.from(), why.to()), (Tier::Ordinary, Tier::Gold));
    assert_eq!(why.metrics.unwrap().spend_minor_units, 249_900);
    let told: Vec<TierChanged> = service.suite.events_of().await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].to(), told[0].rule_version.as_str()), (Tier::Gold, "1"));
    assert_eq!(counts(&service).await, [0, 0, 1, 0]);
    service.assert_sound().await;
}

#[tokio::test]
async fn tiers_fall_step_by_step_at_the_promised_instants() {
    let service = Service::start().await;
    let start = service.now();
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 200_000);
    service.suite.settle().await;
    let tier = service.tier("ann").await;
    let lapse = time::to_proto(start + TimeDelta::days(365));
    assert_eq!((tier.tier(), tier.lapse_time), (Tier::Gold, Some(lapse)));

    // Read without any job having run, then with it: the same.
    service.wait_days(365);
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.wait_days(10);
    service.suite.settle().await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.suite.advance(TimeDelta::days(400), TimeDelta::days(100)).await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Ordinary);
    assert_eq!(counts(&service).await, [1, 0, 0, 0]);

    let request =
        ListTierHistoryRequest { user_id: "ann".to_owned(), page_size: 2, ..Default::default() };
    let page = service.tiers().list_tier_history(request.clone()).await.unwrap().into_inner();
    let rest = ListTierHistoryRequest { page_token: page.next_page_token, ..request };
    let rest = service.tiers().list_tier_history(rest).await.unwrap().into_inner();
    let changes: Vec<_> = page.changes.into_iter().chain(rest.changes).collect();
    // The change is dated when it fell due, not ten days later when the job ran.
    let silver = &changes[1];
    assert_eq!(silver.change_time, Some(lapse));
    assert_eq!((silver.to(), silver.cause()), (Tier::Silver, TierChangeCause::Lapsed));
    assert_eq!(changes.len(), 3);
    service.assert_sound().await;
}

#[tokio::test]
async fn frequency_is_enough() {
    let service = Service::start().await;
    for n in 1..=3 {
        service.tell("ann", ActivityKind::Purchase, &format!("p{n}"), &format!("o{n}"), 100);
        service.wait_days(1);
    }
    service.suite.settle().await;
    assert_eq!(service.tier("ann").await.tier(), Tier::Silver);
    service.assert_sound().await;
}

/// What is missing, and until when it counts, comes from what decides.
#[tokio::test]
async fn in_the_calendar_year_there_is_a_date_to_reach_the_next_tier_by() {
    let mut config = Config::default();
    let tiers = &mut config.rules[0].tiers;
    (tiers.window, tiers.keep) = (Window::CalendarYear, Keep::EndOfNextPeriod);
    let service = Service::with(config).await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 49_999);
    service.suite.settle().await;
    let next = service.tier("ann").await.next.unwrap();
    assert_eq!((next.spend_missing, next.orders_missing, next.recommendations_missing), (1, 2, 2));
    // Midnight in Shanghai.
    let new_year = |year: i32| {
        let text = format!("{}-12-31T16:00:00Z", year - 1);
        Some(time::to_proto(text.parse::<DateTime<Utc>>().unwrap()))
    };
    let year = service.now().year() + 1;
    assert_eq!(next.due_time, new_year(year));
    service.tell("ann", ActivityKind::Purchase, "p2", "o2", 1);
    service.suite.settle().await;
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.keep_until), (Tier::Silver, new_year(year + 1)));
    // The next year begins with nothing, and what was reached is kept through it.
    service.wait_days(364);
    let tier = service.tier("ann").await;
    assert_eq!((tier.tier(), tier.lapse_time), (Tier::Silver, new_year(year + 1)));
    assert_eq!(tier.metrics.unwrap().spend_minor_units, 0);
    assert_eq!(tier.next.unwrap().due_time, new_year(year + 1));
    service.wait_days(365);
    assert_eq!(service.tier("ann").await.tier(), Tier::Ordinary);
    service.assert_sound().await;
}

/// The job asks for these members every few seconds, so an answer of nobody must not take a look
/// at everybody.
#[tokio::test]
async fn members_judged_by_other_rules_are_found_by_an_index() {
    let service = Service::start().await;
    let db = service.database().await;
    if db.engine() == Engine::Sqlite {
        for side in ["<", ">"] {
            let asked = format!(
                "EXPLAIN QUERY PLAN SELECT user_id FROM standings WHERE rules {side} 'a' \
                 ORDER BY rules LIMIT 1"
            );
            let asked = Statement::from_string(DbBackend::Sqlite, asked);
            let plan = db.read().query_one_raw(asked).await.unwrap().unwrap();
            let plan: String = plan.try_get("", "detail").unwrap();
            assert!(plan.contains("standings_by_rules"), "{plan}");
        }
    }
    db.close().await;
}
