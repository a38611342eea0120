//! Each term by itself.

use super::super::terms::better;
use super::*;
use crate::domain::benefit::BenefitRules;
use crate::domain::catalogue::Good;
use crate::domain::charity::Part;
use crate::domain::coupon::Off;
use crate::domain::progress::{Goal, Milestone, OnRefund};
use crate::domain::quota::Period;
use crate::domain::referral::Step;
use crate::domain::reward::Span;
use crate::domain::{Reward, Tier};

pub(super) type Edit = fn(&mut RuleVersion);

fn goal(rules: &mut RuleVersion) -> &mut Goal {
    &mut rules.progress.tasks[1]
}

fn months(n: u32) -> Reward {
    let span = Span { months: n, days: 0 };
    Reward::Membership { plan: "premium".to_owned(), span }
}

fn coupon_part(rules: &mut RuleVersion) -> (&mut u32, &mut i64) {
    let Off::Part { basis_points, max_minor_units } = &mut rules.benefits.coupons[1].terms.off
    else {
        panic!()
    };
    (basis_points, max_minor_units)
}

fn feature(rules: &mut RuleVersion) -> &mut Span {
    let Good::Reward(Reward::Feature { span, .. }) = &mut rules.benefits.catalogue[1].good else {
        panic!()
    };
    span
}

/// Edits that are better for members, by the one term that they change.
pub(super) const GENEROUS: &[(&str, Edit)] = &[
    ("check_in_points", |r| r.check_in_points += 1),
    ("valid_months", |r| r.valid_months = 0),
    ("tiers.silver.orders", |r| r.tiers.silver.orders = 2),
    ("progress.tasks[first-course].goal", |r| goal(r).goal = 2),
    ("progress.tasks[first-course].object", |r| goal(r).object = "cour*".to_owned()),
    ("progress.tasks[first-course].until", |r| goal(r).until = "2030-02-01".parse().ok()),
    ("progress.tasks[first-course].from", |r| goal(r).from = "2029-12-31".parse().ok()),
    ("progress.tasks[first-course].within_days", |r| goal(r).within_days = 0),
    ("progress.tasks[first-course].min_tier", |r| goal(r).min_tier = Tier::Silver),
    ("progress.tasks[first-course].on_refund", |r| goal(r).on_refund = OnRefund::Keep),
    ("progress.tasks[first-course].rewards[points].points", |r| {
        goal(r).rewards = vec![Reward::Points(51)];
    }),
    ("progress.tasks[first-course].rewards[badge:star]", |r| {
        goal(r).rewards.insert(0, Reward::Badge("star".to_owned()));
    }),
    ("progress.tasks[study-100-hours].rewards[tier].tier", |r| {
        r.progress.tasks[0].rewards = vec![Reward::Tier(Tier::Gold)];
    }),
    ("progress.tasks[new]", |r| {
        r.progress.tasks.insert(0, Goal { key: "new".to_owned(), ..Goal::default() });
    }),
    ("progress.challenges[thirty-days].goal", |r| r.progress.challenges[0].goal = 29),
    ("progress.challenges[thirty-days].within_days", |r| {
        r.progress.challenges[0].within_days = 34;
    }),
    ("progress.stamp_cards[ten-and-one].max_per_day", |r| {
        r.progress.stamp_cards[0].max_per_day = 0;
    }),
    ("progress.stamp_cards[gold-event].min_minor_units", |r| {
        r.progress.stamp_cards[1].min_minor_units = 0;
    }),
    ("progress.streaks[check-in].milestones[7].days", |r| {
        r.progress.streaks[0].milestones[0].days = 5;
    }),
    ("progress.streaks[check-in].milestones[14]", |r| {
        let more = Milestone { days: 14, rewards: vec![Reward::Points(5)] };
        r.progress.streaks[0].milestones.insert(1, more);
    }),
    ("progress.streaks[check-in].freezes.every_days", |r| {
        r.progress.streaks[0].freezes.every_days = 10;
    }),
    ("progress.streaks[check-in].travel_grace_hours", |r| {
        r.progress.streaks[0].travel_grace_hours = 48;
    }),
    ("referrals.steps[5].friends", |r| r.referrals.steps[1].friends = 4),
    ("referrals.steps[1].rewards[membership:premium].membership", |r| {
        r.referrals.steps[0].rewards = vec![months(4)];
    }),
    ("referrals.steps[9]", |r| {
        r.referrals.steps.push(Step { friends: 9, rewards: vec![months(1)] });
    }),
    ("referrals.signals.review_at", |r| r.referrals.signals.review_at = 60),
    ("referrals.signals.same_ip", |r| r.referrals.signals.same_ip = 0),
    ("plans.plans[basic].monthly", |r| r.plans.plans[0].monthly = Some(1_900)),
    ("plans.plans[tool].yearly", |r| r.plans.plans[3].yearly = Some(1_000)),
    ("plans.plans[basic].offers[third-year-free yearly].get", |r| {
        r.plans.plans[0].offers[0].get = 4;
    }),
    ("plans.refund_days", |r| r.plans.refund_days = 8),
    ("plans.notice_days", |r| r.plans.notice_days = 8),
    ("benefits.coupons[ten-yuan].off.amount.minor_units", |r| {
        let Off::Amount(price) = &mut r.benefits.coupons[0].terms.off else { panic!() };
        price.minor_units = 1_100;
    }),
    ("benefits.coupons[come-back].off.part.basis_points", |r| *coupon_part(r).0 = 1_100),
    ("benefits.coupons[come-back].off.part.max_minor_units", |r| *coupon_part(r).1 = 0),
    ("benefits.coupons[ten-yuan].min_order", |r| r.benefits.coupons[0].terms.min_order = None),
    ("benefits.coupons[ten-yuan].object_prefix", |r| {
        r.benefits.coupons[0].terms.object_prefix = "plan".to_owned();
    }),
    ("benefits.coupons[ten-yuan].valid_days", |r| r.benefits.coupons[0].valid_days = 31),
    ("benefits.cycle.default_days", |r| r.benefits.cycle.as_mut().unwrap().default_days = 20),
    ("benefits.places[workshop].places", |r| r.benefits.places[1].places = 0),
    ("benefits.places[workshop].per_member", |r| r.benefits.places[1].per_member = 2),
    ("benefits.places[workshop].min_tier", |r| r.benefits.places[1].min_tier = Tier::Silver),
    ("benefits.places[concert].period", |r| r.benefits.places[3].period = Period::Month),
    ("benefits.catalogue[notebook].points", |r| r.benefits.catalogue[3].points = 1_999),
    ("benefits.catalogue[notebook].stock", |r| r.benefits.catalogue[3].stock = 0),
    ("benefits.catalogue[export-for-a-month].good.reward.feature", |r| {
        *feature(r) = Span::default();
    }),
    ("benefits.charity[village-schools].parts[1].basis_points", |r| {
        r.benefits.charity[0].parts[1].basis_points = 1_001;
    }),
];

/// The shipped rules, with something in every place that may be empty.
pub(super) fn full() -> RuleVersion {
    let mut rules = RuleVersion::default();
    let task = goal(&mut rules);
    (task.goal, task.within_days, task.min_tier) = (3, 60, Tier::Gold);
    task.from = "2030-01-01".parse().ok();
    task.until = "2030-01-31".parse().ok();
    let tool = rules.plans.plans[0].clone();
    let offers = Vec::new();
    rules.plans.plans.push(crate::domain::plan::Plan {
        key: "tool".to_owned(),
        yearly: None,
        offers,
        ..tool
    });
    "plan:".clone_into(&mut rules.benefits.coupons[0].terms.object_prefix);
    let mut concert = rules.benefits.places[1].clone();
    "concert".clone_into(&mut concert.key);
    concert.period = Period::Once;
    concert.open_from = "2030-01-01T00:00:00Z".parse().ok();
    rules.benefits.places.push(concert);
    rules
}

#[test]
fn a_generous_edit_is_better_and_its_way_back_worse() {
    let old = full();
    for (term, edit) in GENEROUS {
        let mut new = old.clone();
        edit(&mut new);
        let forth = compare(&old, &new);
        let names: Vec<(&str, Class)> =
            forth.iter().map(|change| (change.term.as_str(), change.class)).collect();
        assert_eq!(names, [(*term, Class::Better)]);
        let back = compare(&new, &old);
        assert_eq!((back.len(), class(&back)), (1, Class::Worse), "{term}: {back:?}");
    }
}

#[test]
fn what_cannot_be_compared_is_worse_both_ways() {
    let edits: &[(&str, Edit)] = &[
        ("another object", |r| goal(r).object = "book*".to_owned()),
        ("another measure", |r| goal(r).measure = crate::domain::progress::Measure::Days),
        ("another badge", |r| r.progress.challenges[0].rewards[1] = Reward::Badge("x".to_owned())),
        ("months for days", |r| *feature(r) = Span { months: 0, days: 40 }),
        ("time of another plan", |r| {
            let span = Span { months: 9, days: 0 };
            r.referrals.steps[0].rewards =
                vec![Reward::Membership { plan: "basic".to_owned(), span }];
        }),
        ("a part for an amount", |r| {
            r.benefits.coupons[0].terms.off =
                Off::Part { basis_points: 10_000, max_minor_units: 0 };
        }),
        ("another currency", |r| r.plans.currency = "USD".to_owned()),
        ("who comes first", |r| r.benefits.places[1].early_hours = 24),
        ("a step earlier for less", |r| {
            r.referrals.steps[1] = Step { friends: 4, rewards: vec![months(11)] };
        }),
        ("a part of charity before another", |r| {
            let all = Part { object_prefix: "course:rust".to_owned(), ..Part::default() };
            r.benefits.charity[0].parts.insert(0, all);
        }),
    ];
    let old = full();
    for (what, edit) in edits {
        let mut new = old.clone();
        edit(&mut new);
        assert_eq!(class(&compare(&old, &new)), Class::Worse, "{what}");
        assert_eq!(class(&compare(&new, &old)), Class::Worse, "{what}");
    }
}

/// Things that share a name were one thing once: the second hid the first.
#[test]
fn nothing_in_a_list_hides_behind_another() {
    let mut old = full();
    let offer = old.plans.plans[0].offers[0].clone();
    let monthly = crate::domain::plan::Period::Monthly;
    old.plans.plans[0]
        .offers
        .insert(0, crate::domain::plan::Offer { period: monthly, get: 5, ..offer });
    let mut new = old.clone();
    new.plans.plans[0].offers[0].get = 3;
    assert_eq!(class(&compare(&old, &new)), Class::Worse);
    let mut new = old.clone();
    new.benefits.charity[0].parts[0].fixed_minor_units = 1;
    assert_eq!(class(&compare(&old, &new)), Class::Worse);
    let mut twice = old.clone();
    goal(&mut twice).rewards = vec![Reward::Points(30), Reward::Points(20)];
    let mut less = twice.clone();
    goal(&mut less).rewards[0] = Reward::Points(10);
    assert_eq!(class(&compare(&twice, &less)), Class::Worse);
}

/// A part of a key that looks like a part of a name.
#[test]
fn keys_may_look_like_names() {
    let mut old = full();
    "a.b[c].d".clone_into(&mut old.benefits.catalogue[0].key);
    let mut new = old.clone();
    new.benefits.catalogue[0].points -= 1;
    let [change] = &compare(&old, &new)[..] else { panic!() };
    assert_eq!(change.term, "benefits.catalogue[a.b[c].d].points");
    assert_eq!(change.class, Class::Better);
}

/// Terms of which no value is better than another for everybody.
const UNRANKED: &[&str] = &[
    "currency",
    "tiers.window",
    "tiers.keep",
    "progress.*[*].key",
    "progress.*[*].activity",
    "progress.*[*].measure",
    "plans.currency",
    "plans.plans[*].key",
    "plans.plans[*].rank",
    "plans.plans[*].tool",
    "plans.plans[*].auto_renew",
    "plans.plans[*].offers[*].key",
    "plans.plans[*].offers[*].period",
    "benefits.*[*].key",
    "benefits.coupons[*].off.amount.currency",
    "benefits.coupons[*].min_order.currency",
    "benefits.cycle.coupon",
    "benefits.cycle.min_purchases",
    // Whoever may come earlier takes a place from somebody else.
    "benefits.places[*].early_tier",
    "benefits.places[*].early_hours",
    "benefits.catalogue[*].good",
    "benefits.catalogue[*].good.place",
    "benefits.catalogue[*].good.reward.coupon",
    "benefits.charity[*].parts[*].object_prefix",
    "benefits.charity[*].parts[*].currency",
    "**.rewards[*].badge",
    "**.rewards[*].coupon",
];

fn leaves(shape: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(_) if super::super::terms::is_whole(shape) => found.push(shape.to_owned()),
        Value::Object(fields) => {
            for (field, value) in fields {
                let dot = if shape.is_empty() { "" } else { "." };
                leaves(&format!("{shape}{dot}{field}"), value, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                leaves(&format!("{shape}[*]"), item, found);
            }
        }
        _ => found.push(shape.to_owned()),
    }
}

/// Whoever adds a term decides which way it is better, or says here that there is none.
#[test]
fn every_term_was_thought_of() {
    let mut found = Vec::new();
    leaves("", &document(&full()), &mut found);
    found.sort_unstable();
    found.dedup();
    assert!(found.len() > 100, "{}", found.len());
    let unranked = |shape: &String| {
        UNRANKED.iter().any(|pattern| super::super::terms::matches(pattern, shape))
    };
    found.retain(|shape| better(shape).is_none() && !unranked(shape));
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(BenefitRules::default().fault(), None);
}
