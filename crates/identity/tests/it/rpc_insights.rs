//! Insights over gRPC: RFM, churn risk, stage, figures.

use crate::fixture::{World, activity, dollars, profile, refusal};
use chrono::{NaiveTime, TimeDelta};
use perennial_platform::time;
use perennial_proto::identity::v1::{
    ActivityKind, GetChurnRiskRequest, GetMetricsRequest, GetRfmRequest, GetStageRequest,
    JourneyStage, ListChurnRisksRequest, ListRfmRequest, Profile, RiskGrade, RiskGradeChanged,
    RiskSignal, SignalFinding, StageChanged,
};
use tonic::Code;

#[tokio::test]
async fn equal_buyers_share_their_scores() {
    let world = World::start().await;
    // Ten buyers: six bought once, on the same day; four bought twice, the last ones for more.
    let mut told = Vec::new();
    for n in 0..10_i64 {
        let user = format!("u{n}");
        told.push(activity(&user, ActivityKind::Purchase, world.days_ago(100), &format!("a{n}")));
        if n >= 6 {
            let mut second =
                activity(&user, ActivityKind::Purchase, world.days_ago(10), &format!("b{n}"));
            second.amount = Some(dollars(1_000 * n));
            told.push(second);
        }
    }
    told.push(activity("old", ActivityKind::Purchase, world.days_ago(366), "old"));
    world.track(told).await;
    world.upsert(profile("visitor")).await;

    let rfm = async |user: &str| {
        let request = GetRfmRequest { user_id: user.to_owned(), ..Default::default() };
        world.insights().get_rfm(request).await.unwrap().into_inner()
    };
    let scores = async |user: &str| {
        let scores = rfm(user).await.scores.unwrap();
        (scores.recency, scores.frequency, scores.monetary)
    };
    // 60 % bought once: ceil(5 x .6) = 3 for all of them, and 5 for the rest.
    assert_eq!(scores("u0").await, (3, 3, 3));
    assert_eq!(scores("u5").await, (3, 3, 3));
    assert_eq!(scores("u6").await, (5, 5, 4));
    assert_eq!(scores("u9").await, (5, 5, 5));
    assert_eq!(scores("visitor").await, (0, 0, 0));
    assert_eq!(scores("old").await, (0, 0, 0), "more than a year ago");
    let best = rfm("u9").await;
    assert_eq!((best.purchases, best.buyers), (2, 10));
    assert_eq!(best.spent, Some(dollars(5_000 + 9_000)));
    assert_eq!(best.last_purchase_time, Some(time::to_proto(world.days_ago(10))));

    let table = world.insights().list_rfm(ListRfmRequest::default()).await.unwrap().into_inner();
    assert_eq!(table.buyers_by_frequency, [0, 0, 6, 0, 4]);
    assert_eq!(table.cells.iter().map(|cell| cell.buyers).collect::<Vec<_>>(), [2, 2, 6]);
    let euro = ListRfmRequest { currency: "EUR".into() };
    assert_eq!(world.insights().list_rfm(euro).await.unwrap().into_inner().buyers, 0);
}

#[tokio::test]
async fn one_look_at_the_buyers_serves_a_minute_of_the_same_day() {
    let world = World::start().await;
    let buy = async |user: &str| {
        world.track(vec![activity(user, ActivityKind::Purchase, world.now(), user)]).await;
    };
    // How many buyers there are said to be, and how long ago that was.
    let look = async || {
        let table = world.insights().list_rfm(ListRfmRequest::default()).await.unwrap();
        let table = table.into_inner();
        let seen = time::from_proto("evaluate_time", &table.evaluate_time.unwrap()).unwrap();
        (table.buyers, (world.now() - seen).num_seconds())
    };
    assert_eq!(look().await, (0, 0));
    buy("first").await;
    assert_eq!(look().await, (1, 0), "that there was nobody is not kept");
    buy("second").await;
    world.suite.clock.advance(TimeDelta::seconds(59));
    assert_eq!(look().await, (1, 59));
    let request = GetRfmRequest { user_id: "second".to_owned(), ..Default::default() };
    let second = world.insights().get_rfm(request).await.unwrap().into_inner();
    assert_eq!((second.purchases, second.buyers), (1, 1), "their own figures are of now");
    assert_eq!(second.scores.unwrap().recency, 5);
    world.suite.clock.advance(TimeDelta::seconds(1));
    assert_eq!(look().await, (2, 0));

    let midnight = (world.now() + TimeDelta::days(1)).date_naive().and_time(NaiveTime::MIN);
    world.suite.clock.set(midnight.and_utc() - TimeDelta::seconds(10));
    assert_eq!(look().await, (2, 0));
    buy("third").await;
    world.suite.clock.advance(TimeDelta::seconds(10));
    assert_eq!(look().await, (3, 0), "another day, another window");
}

#[tokio::test]
async fn silence_changes_the_grade_by_itself() {
    let world = World::start().await;
    world.track(vec![activity("u", ActivityKind::Purchase, world.now(), "1")]).await;
    world.suite.settle().await;
    let risk = async || {
        let request = GetChurnRiskRequest { user_id: "u".into() };
        world.insights().get_churn_risk(request).await.unwrap().into_inner()
    };
    assert_eq!(risk().await.grade(), RiskGrade::None);
    let steps = [(14, RiskGrade::Light), (30, RiskGrade::Medium), (60, RiskGrade::Severe)];
    let start = world.now();
    for (days, grade) in steps {
        world.suite.clock.set(start + TimeDelta::days(days) - TimeDelta::microseconds(1));
        world.suite.settle().await;
        assert_ne!(risk().await.grade(), grade);
        world.suite.clock.advance(TimeDelta::microseconds(1));
        world.suite.settle().await;
        assert_eq!(risk().await.grade(), grade);
        let request = ListChurnRisksRequest { grade: grade.into(), ..Default::default() };
        let listed = world.insights().list_churn_risks(request).await.unwrap().into_inner();
        assert_eq!(listed.users.len(), 1);
        assert_eq!(listed.users[0].signals, [RiskSignal::Inactive as i32]);
    }
    let answer = risk().await;
    assert_eq!(answer.silence.unwrap().seconds, 60 * 86_400);
    assert_eq!((answer.points, answer.signals.len()), (3, 4));

    world.track(vec![activity("u", ActivityKind::Login, world.now(), "2")]).await;
    world.suite.settle().await;
    let told = world.suite.events_of::<RiskGradeChanged>().await;
    let grades: Vec<_> = told.iter().map(|event| (event.from(), event.to())).collect();
    let steps = [
        (RiskGrade::None, RiskGrade::Light),
        (RiskGrade::Light, RiskGrade::Medium),
        (RiskGrade::Medium, RiskGrade::Severe),
        (RiskGrade::Severe, RiskGrade::None),
    ];
    assert_eq!(grades, steps);
    assert_eq!(world.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn falling_use_and_a_bad_review_are_signals() {
    let world = World::start().await;
    let login = |n: i64| activity("u", ActivityKind::Login, world.days_ago(n), &n.to_string());
    // Eight uses in the earlier 14 complete days, four in the later ones.
    world.track([28, 26, 24, 22, 20, 18, 16, 15].map(login).to_vec()).await;
    world.track([14, 10, 6, 2].map(login).to_vec()).await;
    world.track(vec![activity("u", ActivityKind::ReviewNegative, world.days_ago(1), "r")]).await;
    let request = GetChurnRiskRequest { user_id: "u".into() };
    let answer = world.insights().get_churn_risk(request).await.unwrap().into_inner();
    let present: Vec<_> =
        answer.signals.iter().filter(|signal| signal.present).map(SignalFinding::signal).collect();
    assert_eq!(present, [RiskSignal::UseDown, RiskSignal::NegativeReview]);
    assert_eq!(answer.grade(), RiskGrade::Medium);
}

#[tokio::test]
async fn the_stage_goes_forward_and_is_told() {
    let world = World::start().await;
    world.upsert(profile("u")).await;
    let steps = [
        (ActivityKind::Touch, JourneyStage::Reach),
        (ActivityKind::Purchase, JourneyStage::Purchase),
        (ActivityKind::Login, JourneyStage::Use),
        (ActivityKind::Feedback, JourneyStage::Feedback),
        (ActivityKind::Purchase, JourneyStage::Repurchase),
        (ActivityKind::Referral, JourneyStage::Referral),
        (ActivityKind::Refund, JourneyStage::Referral),
    ];
    for (n, (kind, stage)) in steps.into_iter().enumerate() {
        world.track(vec![activity("u", kind, world.now(), &n.to_string())]).await;
        world.suite.settle().await;
        let request = GetStageRequest { user_id: "u".into() };
        let answer = world.insights().get_stage(request).await.unwrap().into_inner();
        assert_eq!(answer.stage(), stage);
    }
    assert_eq!(world.suite.events_of::<StageChanged>().await.len(), 5);
}

#[tokio::test]
async fn the_first_figures_of_the_house() {
    let world = World::start().await;
    let registered = world.days_ago(40);
    for n in 0..4 {
        let register_time = Some(time::to_proto(registered));
        world.upsert(Profile { register_time, ..profile(&format!("u{n}")) }).await;
    }
    let at = |days: i64| registered + TimeDelta::days(days);
    world
        .track(vec![
            activity("u0", ActivityKind::Purchase, at(1), "1"),
            activity("u0", ActivityKind::Purchase, at(7), "2"),
            activity("u1", ActivityKind::Purchase, at(1), "3"),
            activity("u2", ActivityKind::Login, at(30), "4"),
            activity("u3", ActivityKind::Purchase, at(35), "5"),
            activity("u0", ActivityKind::Refund, at(36), "6"),
        ])
        .await;
    world.suite.settle().await;
    let figures =
        world.insights().get_metrics(GetMetricsRequest::default()).await.unwrap().into_inner();
    assert_eq!((figures.users, figures.buyers, figures.repeat_buyers), (4, 3, 1));
    assert_eq!(figures.repurchase_per_mille, 333);
    let retention: Vec<_> =
        figures.retention.iter().map(|r| (r.day, r.cohort, r.retained, r.per_mille)).collect();
    assert_eq!(retention, [(1, 4, 2, 500), (7, 4, 1, 250), (30, 4, 1, 250)]);
    assert_eq!((figures.active_today, figures.active_in_week, figures.active_in_month), (0, 1, 2));
    // 50 dollars paid and 50 given back within the month.
    assert_eq!(figures.arpu[0].revenue, Some(dollars(0)));
    assert_eq!(figures.churn_risk_per_mille, 500, "u0 and u1 are silent for 30 days or more");
    let grade = |grade: RiskGrade| {
        figures.grades.iter().find(|count| count.grade() == grade).map(|count| count.users)
    };
    assert_eq!((grade(RiskGrade::None), grade(RiskGrade::Medium)), (Some(2), Some(2)));
    assert_eq!(figures.stages.len(), 6);

    let tomorrow = Some(time::to_proto(world.now() + TimeDelta::days(1)));
    let request = GetMetricsRequest { cohort_start_time: tomorrow, ..Default::default() };
    let none = world.insights().get_metrics(request).await.unwrap().into_inner();
    assert_eq!(none.retention[0].cohort, 0);
}

#[tokio::test]
async fn nobody_has_no_insights() {
    let world = World::start().await;
    let request = GetStageRequest { user_id: "nobody".into() };
    let status = world.insights().get_stage(request).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "USER_NOT_FOUND".into()));
}
