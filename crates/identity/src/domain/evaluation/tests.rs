//! The rules at their bounds, and the two laws: order does not matter, and nothing changes before
//! `next_change`.

use super::*;
use crate::domain::activity::{Activity, Kind};
use crate::domain::lifecycle::Segment;
use crate::domain::money::{Currency, Money};
use crate::domain::risk::Signal;
use chrono_tz::Tz;
use proptest::prelude::*;

const ZONES: [Tz; 3] = [Tz::UTC, chrono_tz::Asia::Shanghai, chrono_tz::America::New_York];

fn evaluator() -> Evaluator {
    Evaluator { rules: Rules::default(), calendar: Calendar(Tz::UTC) }
}

/// Noon of a day long after 1970.
fn day(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day) + TimeDelta::hours(12)
}

fn activity(kind: Kind, occur_time: DateTime<Utc>) -> Activity {
    let amount = Money { currency: Currency::USD, minor_units: 5_000 };
    Activity {
        user_id: "u".into(),
        kind,
        occur_time,
        source: "test".into(),
        source_event_id: String::new(),
        amount: kind.is_payment().then_some(amount),
        object: String::new(),
        duration: (kind == Kind::Session).then(|| TimeDelta::minutes(60)),
    }
}

fn facts(registered: i64, activities: &[(Kind, i64)]) -> Facts {
    let mut facts = Facts::new(day(registered));
    facts.standing.given_register_time = Some(day(registered));
    for (kind, on) in activities {
        facts.fold(&activity(*kind, day(*on)), Calendar(Tz::UTC));
    }
    facts
}

fn is(facts: &Facts, segment: Segment, now: DateTime<Utc>) -> bool {
    evaluator().evaluate(facts, now).verdict.segments.contains(segment)
}

#[test]
fn new_ends_after_thirty_days_to_the_microsecond() {
    let facts = facts(0, &[]);
    let last = day(30);
    assert!(is(&facts, Segment::New, last));
    assert!(!is(&facts, Segment::New, last + TimeDelta::microseconds(1)));
}

#[test]
fn active_needs_uses_in_the_week_and_interactions_in_the_month() {
    use Kind::{CheckIn, Comment, Feedback, Login, ReviewPositive, Session, Share};
    let interactions = [(Comment, 1), (Share, 2), (Feedback, 3), (ReviewPositive, 4), (Comment, 5)];
    let with = |uses: &[(Kind, i64)]| facts(0, &[&interactions[..], uses].concat());
    let three = with(&[(Login, 20), (Session, 21), (CheckIn, 22)]);
    assert!(is(&three, Segment::Active, day(22)));
    assert!(is(&three, Segment::Active, day(26)), "day 20 is the first of 7 days");
    assert!(!is(&three, Segment::Active, day(27)));
    let one_sitting = with(&[(Login, 22), (Session, 22), (CheckIn, 22)]);
    assert!(!is(&one_sitting, Segment::Active, day(22)), "told three times, used once");
    let one_day = with(&[(Login, 22), (Login, 22), (Login, 22)]);
    assert!(is(&one_day, Segment::Active, day(22)));
    let later = with(&[(Login, 28), (Login, 29), (Login, 30)]);
    assert!(is(&later, Segment::Active, day(30)), "day 1 is the first of 30 days");
    assert!(!is(&later, Segment::Active, day(31)));
}

#[test]
fn high_value_is_one_and_a_half_times_the_average_or_influence() {
    // Three purchases of 50 dollars: 150.00 against 135.56 (150 % of 90.37, rounded up).
    let buyer = facts(0, &[(Kind::Purchase, 1), (Kind::Purchase, 2), (Kind::Purchase, 3)]);
    assert!(is(&buyer, Segment::HighValue, day(3)));
    assert!(is(&buyer, Segment::HighValue, day(365)));
    assert!(!is(&buyer, Segment::HighValue, day(366)), "the first purchase is a year old");
    let refunded = facts(0, &[(Kind::Purchase, 1), (Kind::Purchase, 2), (Kind::Refund, 3)]);
    assert!(!is(&refunded, Segment::HighValue, day(3)));
    let mut influencer = facts(0, &[]);
    influencer.standing.influencer = true;
    assert!(is(&influencer, Segment::HighValue, day(3)));
    let evaluation = evaluator().evaluate(&buyer, day(3));
    assert_eq!(evaluation.findings[2].observations[0].basis, "industry_average/any/USD/1970-01-01");
}

#[test]
fn the_industrys_own_latest_average_is_used() {
    let mut rules = Rules::default().segments;
    let entry = |industry: &str, from: &str, minor_units| crate::domain::rules::IndustryAverage {
        industry: industry.into(),
        currency: Currency::USD,
        valid_from: from.parse().unwrap(),
        minor_units,
    };
    rules.industry_averages = vec![
        entry("", "2020-01-01", 1),
        entry("games", "1990-01-01", 2),
        entry("games", "2025-01-01", 3),
    ];
    let on = |industry: &str, date: &str| {
        let today = crate::domain::calendar::day_of_date(date.parse().unwrap());
        rules.average(industry, Currency::USD, today).map(|average| average.minor_units)
    };
    assert_eq!(on("games", "2026-01-01"), Some(3));
    assert_eq!(on("games", "2024-12-31"), Some(2));
    assert_eq!(on("books", "2026-01-01"), Some(1));
    assert_eq!(on("books", "2019-01-01"), None);
}

#[test]
fn churn_risk_counts_from_registration_or_the_last_own_activity() {
    let never_came = facts(0, &[]);
    assert!(!is(&never_came, Segment::ChurnRisk, day(30) - TimeDelta::microseconds(1)));
    assert!(is(&never_came, Segment::ChurnRisk, day(30)));
    let came = facts(0, &[(Kind::Purchase, 10), (Kind::Refund, 20), (Kind::Touch, 21)]);
    assert!(!is(&came, Segment::ChurnRisk, day(39)));
    assert!(is(&came, Segment::ChurnRisk, day(40)), "refunds and touches are not the user's own");
    let evaluation = evaluator().evaluate(&came, day(40));
    assert_eq!(evaluation.verdict.segments.primary(), Some(Segment::ChurnRisk));
}

#[test]
fn silence_alone_grades_light_then_medium_then_severe() {
    let facts = facts(0, &[(Kind::Purchase, 5)]);
    let grade = |now| evaluator().evaluate(&facts, now).verdict.grade;
    let just_before = TimeDelta::microseconds(1);
    let steps = [
        (19, Grade::None, Grade::Light),
        (35, Grade::Light, Grade::Medium),
        (65, Grade::Medium, Grade::Severe),
    ];
    for (on, before, after) in steps {
        assert_eq!(grade(day(on) - just_before), before);
        assert_eq!(grade(day(on)), after);
    }
    let next = evaluator().next_change(&facts, day(6));
    assert_eq!(next, Some(day(19)), "nothing but silence grows");
}

#[test]
fn use_down_compares_whole_stretches_and_gives_way_to_silence() {
    let steady: Vec<_> = (0..14).map(|on| (Kind::Login, on)).collect();
    let present = |facts: &Facts, on| {
        let verdict = evaluator().evaluate(facts, day(on)).verdict;
        verdict.signals.iter().any(|signal| signal == Signal::UseDown)
    };
    // Days 0 to 13 had one use each. Seen on day 20: 7 of the last 14 complete days, 6 to 19, had
    // 8 uses (6 to 13) against 6 before (0 to 5).
    let stopped = facts(0, &steady);
    assert!(!present(&stopped, 20));
    assert!(present(&stopped, 24), "days 10 to 23: 4 uses, days 0 to 9: 10");
    assert!(!present(&stopped, 27), "14 days silent: told as INACTIVE");
    assert_eq!(evaluator().evaluate(&stopped, day(24)).verdict.grade, Grade::Light);
    assert_eq!(evaluator().evaluate(&stopped, day(27)).verdict.grade, Grade::Light);
    assert!(!present(&facts(0, &[(Kind::Login, 1), (Kind::Login, 2)]), 16), "too few to tell");
}

#[test]
fn a_complaint_or_a_bad_review_makes_it_worse_until_settled() {
    let mut complaining = facts(0, &[(Kind::Login, 20)]);
    complaining.standing.open_complaints = 1;
    assert_eq!(evaluator().evaluate(&complaining, day(20)).verdict.grade, Grade::Light);
    assert_eq!(evaluator().evaluate(&complaining, day(34)).verdict.grade, Grade::Medium);
    let review = facts(0, &[(Kind::ReviewNegative, 20), (Kind::Login, 49)]);
    assert_eq!(evaluator().evaluate(&review, day(50)).verdict.grade, Grade::Light);
    let over = day(50) + TimeDelta::microseconds(1);
    assert_eq!(evaluator().evaluate(&review, over).verdict.grade, Grade::None);
    let taken_back = facts(0, &[(Kind::ReviewNegative, 20), (Kind::ReviewPositive, 21)]);
    assert_eq!(evaluator().evaluate(&taken_back, day(22)).verdict.grade, Grade::None);
}

#[test]
fn the_stage_is_the_furthest_reached() {
    let stage = |list: &[(Kind, i64)]| evaluator().evaluate(&facts(0, list), day(9)).verdict.stage;
    assert_eq!(stage(&[]), Stage::Reach);
    assert_eq!(stage(&[(Kind::Touch, 1)]), Stage::Reach);
    assert_eq!(stage(&[(Kind::Purchase, 1)]), Stage::Purchase);
    assert_eq!(stage(&[(Kind::Search, 1)]), Stage::Use);
    assert_eq!(stage(&[(Kind::Purchase, 1), (Kind::ReviewNegative, 2)]), Stage::Feedback);
    assert_eq!(stage(&[(Kind::Purchase, 1), (Kind::Purchase, 2)]), Stage::Repurchase);
    assert_eq!(stage(&[(Kind::Referral, 1), (Kind::Login, 2)]), Stage::Referral);
}

fn any_activity() -> impl Strategy<Value = Activity> {
    (0..Kind::ALL.len(), 0..60 * 24 * 60_i64, 1..20_000_i64).prop_map(|(kind, minute, size)| {
        let mut activity = activity(Kind::ALL[kind], day(0) + TimeDelta::minutes(minute));
        if let Some(money) = &mut activity.amount {
            money.minor_units = size;
        }
        if activity.duration.is_some() {
            activity.duration = Some(TimeDelta::seconds(size));
        }
        activity
    })
}

fn gather(activities: &[Activity], calendar: Calendar) -> Facts {
    let mut facts = Facts::new(day(30));
    for activity in activities {
        facts.fold(activity, calendar);
    }
    facts
}

proptest! {
    #[test]
    fn any_order_gives_the_same_facts(
        (original, shuffled) in prop::collection::vec(any_activity(), 0..80)
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        zone in 0..ZONES.len(),
    ) {
        let calendar = Calendar(ZONES[zone]);
        prop_assert_eq!(gather(&original, calendar), gather(&shuffled, calendar));
    }

    /// The due index is right: no verdict changes before its time, and at that time it does.
    #[test]
    fn nothing_changes_before_the_next_change(
        list in prop::collection::vec(any_activity(), 0..40),
        influencer in any::<bool>(),
        complaints in 0..2_i64,
        at in 0..90_i64,
        share in 0..1_000_i64,
        zone in 0..ZONES.len(),
    ) {
        let evaluator = Evaluator { rules: Rules::default(), calendar: Calendar(ZONES[zone]) };
        let mut facts = gather(&list, evaluator.calendar);
        facts.standing.influencer = influencer;
        facts.standing.open_complaints = complaints;
        let now = day(at);
        let verdict = evaluator.evaluate(&facts, now).verdict;
        let next = evaluator.next_change(&facts, now);
        let until = next.unwrap_or(now + TimeDelta::days(800));
        let wait = (until - now).num_microseconds().unwrap();
        let between = now + TimeDelta::microseconds(wait * share / 1_000);
        prop_assert_eq!(evaluator.evaluate(&facts, between).verdict, verdict);
        if let Some(next) = next {
            let before = next - TimeDelta::microseconds(1);
            prop_assert_eq!(evaluator.evaluate(&facts, before).verdict, verdict);
            prop_assert_ne!(evaluator.evaluate(&facts, next).verdict, verdict);
        }
    }
}
