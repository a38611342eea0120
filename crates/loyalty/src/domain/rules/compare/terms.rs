//! Which way each term is better for members.

use crate::domain::rules::record::Class;
use serde_json::Value;

/// Which value of a number is better for members.
#[derive(Debug, Clone, Copy)]
pub(super) enum Better {
    More,
    Less,
    /// More, and 0 is the most: "for ever".
    MoreOrNone,
    /// Less, and 0 is the most: "leads nowhere".
    LessUnlessNone,
}

/// What elements of lists are known by, in the order of preference.
pub(super) const KEYS: &[&str] = &["key", "name", "id", "currency", "count", "friends", "step"];

/// The terms of which it is known. `*` is any one part of the name.
const TERMS: &[(&str, Better)] = &[
    ("check_in_points", Better::More),
    ("valid_months", Better::MoreOrNone),
    ("tiers.window_days", Better::More),
    ("tiers.keep_days", Better::More),
    ("tiers.*.spend_minor_units", Better::LessUnlessNone),
    ("tiers.*.orders", Better::LessUnlessNone),
    ("tiers.*.recommendations", Better::LessUnlessNone),
    ("referrals.window_days", Better::More),
    ("referrals.late_hours", Better::More),
    ("referrals.purchase_days", Better::MoreOrNone),
    ("referrals.min_order_minor_units", Better::Less),
    ("referrals.return_days", Better::Less),
    ("referrals.limit", Better::More),
    ("referrals.codes", Better::More),
    ("referrals.steps[*].rewards[*].points", Better::More),
    ("referrals.steps[*].rewards[*].membership.months", Better::More),
    ("referrals.steps[*].rewards[*].membership.days", Better::More),
    ("plans.plans[*].monthly", Better::Less),
    ("plans.plans[*].yearly", Better::Less),
    ("plans.plans[*].offers[*].pay", Better::Less),
    ("plans.plans[*].offers[*].get", Better::More),
    ("plans.first_order_percent_off", Better::More),
    ("plans.trial_days", Better::More),
    ("plans.tool_trial_days", Better::More),
    ("plans.notice_days", Better::More),
    ("plans.grace_days", Better::More),
    ("plans.hold_days", Better::More),
    ("plans.refund_days", Better::More),
    ("plans.pause_days", Better::More),
];

/// Lists to which something new can only be an offer more; taking it away is worse.
const OFFERS: &[&str] = &["plans.plans[*]", "plans.plans[*].offers[*]", "referrals.steps[*]"];

/// What the change of one term means.
pub(super) fn judge(name: &str, old: Option<&Value>, new: Option<&Value>) -> Class {
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).map(i128::from);
    let rule = TERMS.iter().find(|(pattern, _)| matches(pattern, name));
    if let (Some((_, better)), Some(old), Some(new)) = (rule, number(old), number(new)) {
        return better.judge(old, new);
    }
    if old.is_none() && OFFERS.iter().any(|pattern| within(pattern, name)) {
        return Class::Better;
    }
    match (name, old.and_then(Value::as_str), new.and_then(Value::as_str)) {
        // Falling step by step is better than falling at once.
        ("tiers.downgrade", Some("to_qualified" | "to_base"), Some("one_down"))
        | ("tiers.downgrade", Some("to_base"), Some("to_qualified"))
        // So is rising at once, and keeping a fraction instead of losing it.
        | ("tiers.upgrade", Some("next_period"), Some("immediate"))
        | ("rounding", Some("floor"), Some("carry")) => Class::Better,
        _ => Class::Worse,
    }
}

/// Whether a name has this form.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut wanted, mut given) = (parts(pattern), parts(name));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == "*" || wanted == given => {}
            _ => return false,
        }
    }
}

/// Whether a name has this form or begins with it.
fn within(pattern: &str, name: &str) -> bool {
    let count = parts(pattern).count();
    parts(name).count() >= count
        && parts(pattern).zip(parts(name)).all(|(wanted, given)| wanted == "*" || wanted == given)
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '[']).map(|part| part.trim_end_matches(']'))
}
