//! Which terms of one version differ from another's, and whether that is better for members.
//!
//! Every part of the document is compared, whatever area it belongs to: what is named in a list with
//! what has the same name there, a step that has moved with the one it came from. A difference
//! counts as better only where it is known to be: what is not known, or cannot be compared, counts
//! as worse (reference, S9), so a forgotten term delays a change and never breaks a promise. Where
//! one term is better and another worse, each is listed, and the whole is worse.
//!
//! Laws: what is compared with itself does not differ; what is better one way is worse the other
//! way.

mod pair;
mod terms;

use super::record::Class;
use super::{PurchaseRate, RuleVersion};
use pair::Pair;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

/// One term that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermChange {
    /// "tiers.silver.orders", "plans.plans[basic].monthly".
    pub term: String,
    /// As text; empty where it was not there.
    pub before: String,
    /// As text; empty where it is not there any more.
    pub after: String,
    /// What that means.
    pub class: Class,
}

/// All terms that differ: the rates first, then by name.
pub fn compare(before: &RuleVersion, after: &RuleVersion) -> Vec<TermChange> {
    let mut changes = rates(&before.purchases, &after.purchases);
    let (before, after) = (document(before), document(after));
    differ(&Term::default(), Some(&before), Some(&after), &mut changes);
    changes
}

/// The worst of some changes.
pub fn class(changes: &[TermChange]) -> Class {
    changes.iter().map(|change| change.class).max().unwrap_or_default()
}

/// What a change means for somebody who may be under any of these versions: every term that
/// differs from any of them, once.
pub fn compare_all(before: &[&RuleVersion], after: &RuleVersion) -> Vec<TermChange> {
    let mut changes: Vec<TermChange> = Vec::new();
    for version in before {
        for change in compare(version, after) {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    changes
}

/// Rates are fractions: 2/200 is 1/100.
fn rates(before: &[PurchaseRate], after: &[PurchaseRate]) -> Vec<TermChange> {
    let mut changes = Vec::new();
    let of = |rates: &[PurchaseRate], currency: &str| {
        rates.iter().find(|rate| rate.currency == currency).cloned()
    };
    let mut currencies: Vec<&str> =
        before.iter().chain(after).map(|rate| rate.currency.as_str()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    for currency in currencies {
        let (old, new) = (of(before, currency), of(after, currency));
        let parts = [
            ("points", old.as_ref().map(points), new.as_ref().map(points)),
            ("spend", old.as_ref().map(spend), new.as_ref().map(spend)),
        ];
        for (name, old, new) in parts {
            let class = match (old, new) {
                (Some(old), Some(new)) => better_if(cross(new, old), cross(old, new)),
                (None, _) => Class::Better,
                (_, None) => Class::Worse,
            };
            if class != Class::Neutral {
                let text = |rate: Option<(i64, i64)>| {
                    rate.map(|(num, den)| format!("{num}/{den}")).unwrap_or_default()
                };
                let term = format!("purchases[{currency}].{name}");
                changes.push(TermChange { term, before: text(old), after: text(new), class });
            }
        }
    }
    changes
}

fn points(rate: &PurchaseRate) -> (i64, i64) {
    (rate.points_num, rate.points_den)
}

fn spend(rate: &PurchaseRate) -> (i64, i64) {
    (rate.spend_num, rate.spend_den)
}

fn cross(a: (i64, i64), b: (i64, i64)) -> i128 {
    i128::from(a.0) * i128::from(b.1)
}

fn better_if(more: i128, less: i128) -> Class {
    match more.cmp(&less) {
        std::cmp::Ordering::Greater => Class::Better,
        std::cmp::Ordering::Less => Class::Worse,
        std::cmp::Ordering::Equal => Class::Neutral,
    }
}

/// The rules without what is no term: the version's name and date, and the rates.
fn document(version: &RuleVersion) -> Value {
    let mut document = serde_json::to_value(version).unwrap_or_default();
    if let Value::Object(fields) = &mut document {
        for name in ["version", "effective_from", "purchases"] {
            fields.remove(name);
        }
    }
    document
}

/// Where a value stands: its name, and the same with `*` for the names of things in lists.
#[derive(Debug, Clone, Default)]
struct Term {
    name: String,
    shape: String,
}

impl Term {
    fn field(&self, field: &str) -> Self {
        let Self { mut name, mut shape } = self.clone();
        for text in [&mut name, &mut shape] {
            let dot = if text.is_empty() { "" } else { "." };
            // Writing to a string does not fail.
            let _ = write!(text, "{dot}{field}");
        }
        Self { name, shape }
    }

    fn item(&self, key: &str) -> Self {
        Self { name: format!("{}[{key}]", self.name), shape: format!("{}[*]", self.shape) }
    }
}

/// Finds what differs between two values that stand in the same place.
fn differ(term: &Term, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<TermChange>) {
    let there = |value: &&Value| !value.is_null();
    let (old, new) = (old.filter(there), new.filter(there));
    if old == new {
        return;
    }
    match (old, new) {
        (Some(Value::Object(before)), Some(Value::Object(after)))
            if !terms::is_whole(&term.shape) =>
        {
            let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for field in fields {
                differ(&term.field(field), before.get(field), after.get(field), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for Pair { key, old, new } in pair::up(&term.shape, before, after) {
                differ(&term.item(&key), old, new, changes);
            }
        }
        _ => changes.push(TermChange {
            term: term.name.clone(),
            before: old.map(text).unwrap_or_default(),
            after: new.map(text).unwrap_or_default(),
            class: terms::judge(&term.shape, old, new),
        }),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
