//! Rules as a document: natural JSON for callers, `RuleVersion` here.
//!
//! A `google.protobuf.Struct` knows only floating-point numbers; the rules know none, so whole
//! numbers become integers and everything else is refused.

use crate::domain::RuleVersion;
use perennial_platform::error::Violation;
use perennial_platform::{Error, Result};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number, Value as Json};

/// Numbers up to here are exact in a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Characters of a version's name at most.
const NAME: usize = 64;

/// Reads rules. Errors: INVALID_ARGUMENT naming every part that is wrong.
pub(super) fn read(field: &str, document: &Struct) -> Result<RuleVersion> {
    let mut faults = Vec::new();
    let mut sections = Map::new();
    for (name, value) in &document.fields {
        let at = format!("{field}.{name}");
        if let Some(json) = to_json(&at, value, &mut faults) {
            sections.insert(name.clone(), json);
        }
    }
    // A part at a time, because reading stops at the first fault.
    for (name, json) in &sections {
        let alone = Json::Object(Map::from_iter([(name.clone(), json.clone())]));
        if let Err(fault) = serde_json::from_value::<RuleVersion>(alone) {
            faults.push(wrong(format!("{field}.{name}"), fault.to_string()));
        }
    }
    match sections.get("version").and_then(Json::as_str) {
        Some(name) if is_name(name) => {}
        _ => faults.push(wrong(
            format!("{field}.version"),
            format!("must be 1 to {NAME} characters of A-Z a-z 0-9 . _ -"),
        )),
    }
    if sections.contains_key("effective_from") {
        let text = "is not part of a proposal: say effective_new";
        faults.push(wrong(format!("{field}.effective_from"), text.to_owned()));
    }
    if !faults.is_empty() {
        return Err(Error::violations(faults));
    }
    serde_json::from_value(Json::Object(sections))
        .map_err(|fault| Error::invalid(field, fault.to_string()))
}

/// Rules as a document that can be proposed again under another name.
pub(super) fn write(rules: &RuleVersion) -> Result<Struct> {
    let json = serde_json::to_value(rules).map_err(Error::internal)?;
    let Json::Object(mut sections) = json else {
        return Err(Error::internal("rules that are no object"));
    };
    sections.remove("effective_from");
    Ok(to_struct(sections))
}

fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    !name.is_empty() && name.len() <= NAME && name.chars().all(known)
}

fn wrong(field: String, description: String) -> Violation {
    Violation { field, description }
}

fn to_json(at: &str, value: &Value, faults: &mut Vec<Violation>) -> Option<Json> {
    match value.kind.as_ref() {
        Some(Kind::BoolValue(flag)) => Some(Json::Bool(*flag)),
        Some(Kind::StringValue(text)) => Some(Json::String(text.clone())),
        Some(Kind::NumberValue(number)) => {
            let whole = integer(*number);
            if whole.is_none() {
                faults.push(wrong(at.to_owned(), "must be a whole number".to_owned()));
            }
            whole.map(|whole| Json::Number(Number::from(whole)))
        }
        Some(Kind::ListValue(list)) => {
            let items = list.values.iter().enumerate();
            let items = items.map(|(n, item)| to_json(&format!("{at}[{n}]"), item, faults));
            // Every item is looked at, so that every fault is named.
            let items: Vec<Option<Json>> = items.collect();
            items.into_iter().collect::<Option<Vec<Json>>>().map(Json::Array)
        }
        Some(Kind::StructValue(fields)) => {
            let fields = fields.fields.iter();
            let fields = fields.map(|(name, value)| {
                Some((name.clone(), to_json(&format!("{at}.{name}"), value, faults)?))
            });
            let fields: Vec<Option<(String, Json)>> = fields.collect();
            fields.into_iter().collect::<Option<Map<String, Json>>>().map(Json::Object)
        }
        Some(Kind::NullValue(_)) | None => {
            faults.push(wrong(at.to_owned(), "must not be null".to_owned()));
            None
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
fn integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn to_struct(fields: Map<String, Json>) -> Struct {
    let value = |(name, json)| Some((name, to_value(json)?));
    Struct { fields: fields.into_iter().filter_map(value).collect() }
}

/// `None` for what is not there.
#[expect(clippy::cast_precision_loss, reason = "rules are read with numbers that are exact")]
fn to_value(json: Json) -> Option<Value> {
    let kind = match json {
        Json::Null => return None,
        Json::Bool(flag) => Kind::BoolValue(flag),
        Json::Number(number) => Kind::NumberValue(
            number.as_i64().map_or_else(|| number.as_f64().unwrap_or_default(), |n| n as f64),
        ),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().filter_map(to_value).collect() })
        }
        Json::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    Some(Value { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_back_as_they_went() {
        let rules = RuleVersion::default();
        assert_eq!(read("rules", &write(&rules).unwrap()).unwrap(), rules);
    }

    #[test]
    fn every_part_that_is_wrong_is_named() {
        let number = |n| Value { kind: Some(Kind::NumberValue(n)) };
        let mut document = write(&RuleVersion::default()).unwrap();
        document.fields.insert("check_in_points".to_owned(), number(1.5));
        document.fields.insert("valid_months".to_owned(), number(-1.0));
        document.fields.insert("no_such_term".to_owned(), number(1.0));
        document.fields.insert("currency".to_owned(), Value { kind: None });
        document.fields.remove("version");
        let fault = read("rules", &document).unwrap_err();
        let status = tonic::Status::from(fault);
        let message = format!("{status:?}");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        for name in ["check_in_points", "valid_months", "no_such_term", "currency", "version"] {
            let details = String::from_utf8_lossy(status.details()).into_owned();
            assert!(details.contains(&format!("rules.{name}")), "{name}: {message}");
        }
    }
}
