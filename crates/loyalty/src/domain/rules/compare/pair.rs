//! Which thing in a list stands for which thing in another.

use serde_json::{Map, Value};

/// A thing as it was and as it is to be; one of them may be missing.
pub(super) struct Pair<'a> {
    pub(super) key: String,
    pub(super) old: Option<&'a Value>,
    pub(super) new: Option<&'a Value>,
}

/// What things in lists are known by, in the order of preference.
const KEYS: [&str; 4] = ["key", "days", "friends", "currency"];
/// Lists of steps, known by how far they are: one that is not where it was has moved.
const STEPS: [&str; 2] = ["milestones", "steps"];
/// Lists in which the place decides: the first that fits counts.
const IN_ORDER: [&str; 1] = ["parts"];

/// Pairs things up: by what they are known by, and steps that are left over by their order. A thing
/// is in one pair only.
pub(super) fn up<'a>(shape: &str, before: &'a [Value], after: &'a [Value]) -> Vec<Pair<'a>> {
    let list = shape.rsplit('.').next().unwrap_or(shape);
    let named = |items: &'a [Value]| -> Vec<(String, &'a Value)> {
        let mut known: Vec<(String, &Value)> = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let of_its_own = Some(item).filter(|_| !IN_ORDER.contains(&list)).and_then(name_of);
            let name = of_its_own.unwrap_or_else(|| place.to_string());
            let alike = known.iter().filter(|(other, _)| stem(other) == name).count();
            let name = if alike == 0 { name } else { format!("{name}#{}", alike + 1) };
            known.push((name, item));
        }
        known
    };
    let (before, mut after) = (named(before), named(after));
    let mut pairs: Vec<Pair<'a>> = Vec::with_capacity(before.len());
    for (key, old) in before {
        let place = after.iter().position(|(other, _)| *other == key);
        let new = place.map(|place| after.remove(place).1);
        pairs.push(Pair { key, old: Some(old), new });
    }
    let mut left = after.into_iter();
    if STEPS.contains(&list) {
        for alone in pairs.iter_mut().filter(|pair| pair.new.is_none()) {
            alone.new = left.next().map(|(_, new)| new);
        }
    }
    pairs.extend(left.map(|(key, new)| Pair { key, old: None, new: Some(new) }));
    pairs
}

/// A name without the number that tells it from others alike.
fn stem(name: &str) -> &str {
    name.rsplit_once('#').map_or(name, |(stem, _)| stem)
}

fn name_of(item: &Value) -> Option<String> {
    let fields = match item {
        Value::Object(fields) => fields,
        other => return other.as_str().map(str::to_owned),
    };
    let key = KEYS.iter().find_map(|key| text_of(fields, key));
    let Some(key) = key else { return reward(fields) };
    // The same offer may stand there for a month and for a year.
    let period = fields.contains_key("pay").then(|| text_of(fields, "period")).flatten();
    Some(period.map_or(key.clone(), |period| format!("{key} {period}")))
}

/// A reward by its kind and what it is of: "points", "badge:star".
fn reward(fields: &Map<String, Value>) -> Option<String> {
    let mut only = fields.iter();
    let ((kind, value), None) = (only.next()?, only.next()) else { return None };
    let of = match value {
        Value::String(key) if kind != "tier" => Some(key.clone()),
        Value::Object(parts) => ["plan", "feature"].iter().find_map(|key| text_of(parts, key)),
        _ => None,
    };
    Some(of.map_or_else(|| kind.clone(), |of| format!("{kind}:{of}")))
}

fn text_of(fields: &Map<String, Value>, key: &str) -> Option<String> {
    match fields.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
