//! Which terms of one version differ from another's, and whether that is better for members.
//!
//! Every part of the document is compared, whatever area it belongs to. A difference counts as
//! better only where it is known to be: what is not known, or cannot be compared, counts as worse
//! (reference, S9), so a forgotten term delays a change and never breaks a promise.

mod terms;

use super::record::Class;
use super::{PurchaseRate, RuleVersion};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use terms::Better;

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

/// All terms that differ, by name.
pub fn compare(before: &RuleVersion, after: &RuleVersion) -> Vec<TermChange> {
    let mut changes = rates(&before.purchases, &after.purchases);
    let (before, after) = (leaves(before), leaves(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            let class = terms::judge(name, old, new);
            changes.push(TermChange {
                term: name.clone(),
                before: old.map(text).unwrap_or_default(),
                after: new.map(text).unwrap_or_default(),
                class,
            });
        }
    }
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

/// Every value of the document by its name, without what is no term: the version's name and date,
/// and the rates.
fn leaves(version: &RuleVersion) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    if let Ok(Value::Object(mut document)) = serde_json::to_value(version) {
        for name in ["version", "effective_from", "purchases"] {
            document.remove(name);
        }
        walk(String::new(), Value::Object(document), &mut found);
    }
    found
}

fn walk(name: String, value: Value, found: &mut BTreeMap<String, Value>) {
    let named =
        |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (field, value) in fields {
                walk(named(&field), value, found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.into_iter().enumerate() {
                let key = key_of(&item).unwrap_or_else(|| place.to_string());
                // That it is there is a term of its own: it can be added or taken away.
                let name = format!("{name}[{key}]");
                found.insert(name.clone(), Value::String("offered".to_owned()));
                walk(name, item, found);
            }
        }
        value => {
            found.insert(name, value);
        }
    }
}

/// By what an element of a list is known.
fn key_of(item: &Value) -> Option<String> {
    match item {
        Value::Object(fields) => terms::KEYS.iter().find_map(|key| text_of(fields, key)),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn text_of(fields: &Map<String, Value>, key: &str) -> Option<String> {
    match fields.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Better {
    fn judge(self, old: i128, new: i128) -> Class {
        // 0 stands for "without end" or "not at all": the most there is.
        let most = |n: i128| if n == 0 { i128::MAX } else { n };
        match self {
            Self::More => better_if(new, old),
            Self::Less => better_if(old, new),
            Self::MoreOrNone => better_if(most(new), most(old)),
            Self::LessUnlessNone => better_if(most(old), most(new)),
        }
    }
}

#[cfg(test)]
mod tests;
