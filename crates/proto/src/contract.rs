//! The checks behind the contract's field options, and what a failed check looks like.
//!
//! The build writes one `impl Contract` per message that calls the functions below; the bounds
//! themselves stand in the .proto files only.

mod format;
mod violations;

pub use format::Format;
pub use violations::{At, Violation, Violations};

/// A message of the suite: knows its own bounds and the names of its fields.
pub trait Contract: prost::Message {
    /// A caller can send it: as a request or inside one.
    const INBOUND: bool;
    /// Number and name of every field.
    const FIELDS: &'static [(u32, &'static str)];
    /// Adds a violation for every field that breaks a bound.
    fn check(&self, at: &At<'_>, out: &mut Violations);
}

/// A message that contains itself is boxed by prost.
impl<M: Contract> Contract for Box<M> {
    const INBOUND: bool = M::INBOUND;
    const FIELDS: &'static [(u32, &'static str)] = M::FIELDS;
    fn check(&self, at: &At<'_>, out: &mut Violations) {
        M::check(self, at, out);
    }
}

/// Bounds of one field, as `perennial.options.v1.FieldRules` states them. Zero means no bound.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "documented field by field in options.proto")]
pub struct Rules {
    pub required: bool,
    pub min_length: u32,
    pub max_length: u32,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub min_items: u32,
    pub max_items: u32,
    pub format: Format,
    pub max_bytes: u32,
    pub min_seconds: Option<i64>,
    pub max_seconds: Option<i64>,
}

impl Rules {
    /// No bounds.
    pub const NONE: Self = Self {
        required: false,
        min_length: 0,
        max_length: 0,
        min: None,
        max: None,
        min_items: 0,
        max_items: 0,
        format: Format::Unspecified,
        max_bytes: 0,
        min_seconds: None,
        max_seconds: None,
    };
}

pub(crate) fn absent(at: &At<'_>, rules: &Rules, out: &mut Violations) {
    if rules.required {
        out.add(at, "is required");
    }
}

pub(crate) fn string(at: &At<'_>, value: &str, rules: &Rules, out: &mut Violations) {
    if value.is_empty() {
        return absent(at, rules, out);
    }
    // Postgres cannot store it in text, and nobody means it.
    if value.contains('\0') {
        return out.add(at, "must not contain the NUL character");
    }
    let length = value.chars().count();
    length_bounds(at, length, "characters", rules, out);
    if let Err(expected) = rules.format.matches(value) {
        out.add(at, expected);
    }
}

/// Bounds of bytes; no contract has such a field yet.
pub fn bytes(at: &At<'_>, value: &[u8], rules: &Rules, out: &mut Violations) {
    if value.is_empty() {
        return absent(at, rules, out);
    }
    length_bounds(at, value.len(), "bytes", rules, out);
}

fn length_bounds(at: &At<'_>, length: usize, unit: &str, rules: &Rules, out: &mut Violations) {
    if length < rules.min_length as usize {
        out.add(at, format!("must have at least {} {unit}", rules.min_length));
    }
    if rules.max_length > 0 && length > rules.max_length as usize {
        out.add(at, format!("must have at most {} {unit}, has {length}", rules.max_length));
    }
}

pub(crate) fn number(at: &At<'_>, value: i128, rules: &Rules, out: &mut Violations) {
    if value == 0 && rules.required {
        return out.add(at, "is required and must not be 0");
    }
    // A zero without presence is an absent value (see FieldRules in options.proto).
    if value == 0 {
        return;
    }
    if let Some(min) = rules.min.filter(|min| value < i128::from(*min)) {
        out.add(at, format!("must be at least {min}"));
    }
    if let Some(max) = rules.max.filter(|max| value > i128::from(*max)) {
        out.add(at, format!("must be at most {max}"));
    }
}

/// Bounds of floating-point numbers; no contract has such a field yet.
#[expect(clippy::cast_precision_loss, reason = "bounds of floats are small integers")]
pub fn float(at: &At<'_>, value: f64, rules: &Rules, out: &mut Violations) {
    if !value.is_finite() {
        return out.add(at, "must be a finite number");
    }
    if let Some(min) = rules.min.filter(|min| value < *min as f64) {
        out.add(at, format!("must be at least {min}"));
    }
    if let Some(max) = rules.max.filter(|max| value > *max as f64) {
        out.add(at, format!("must be at most {max}"));
    }
}

pub(crate) fn one_of(at: &At<'_>, value: i32, known: &[i32], rules: &Rules, out: &mut Violations) {
    if value == 0 {
        return absent(at, rules, out);
    }
    if !known.contains(&value) {
        out.add(at, format!("has no value with the number {value}"));
    }
}

pub(crate) fn items(at: &At<'_>, count: usize, rules: &Rules, out: &mut Violations) {
    if count == 0 {
        return absent(at, rules, out);
    }
    if count < rules.min_items as usize {
        out.add(at, format!("must have at least {} elements", rules.min_items));
    }
    if rules.max_items > 0 && count > rules.max_items as usize {
        out.add(at, format!("must have at most {} elements, has {count}", rules.max_items));
    }
}

pub(crate) fn message<M: Contract>(at: &At<'_>, value: &M, out: &mut Violations) {
    value.check(at, out);
}

pub(crate) fn encoded<M: prost::Message>(
    at: &At<'_>,
    value: &M,
    rules: &Rules,
    out: &mut Violations,
) {
    let length = value.encoded_len();
    if rules.max_bytes > 0 && length > rules.max_bytes as usize {
        out.add(at, format!("must take at most {} bytes, takes {length}", rules.max_bytes));
    }
}

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range google.protobuf.Timestamp promises.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

pub(crate) fn timestamp(at: &At<'_>, value: &prost_types::Timestamp, out: &mut Violations) {
    if !TIMESTAMP_SECONDS.contains(&value.seconds) || !(0..1_000_000_000).contains(&value.nanos) {
        out.add(at, "must lie between 0001-01-01 and 9999-12-31, nanos between 0 and 999999999");
    }
}

/// About 10,000 years, the range google.protobuf.Duration promises.
const DURATION_SECONDS: i64 = 315_576_000_000;

pub(crate) fn duration(
    at: &At<'_>,
    value: &prost_types::Duration,
    rules: &Rules,
    out: &mut Violations,
) {
    let signs_agree =
        value.seconds == 0 || value.nanos == 0 || (value.seconds > 0) == (value.nanos > 0);
    let in_range = value.seconds.unsigned_abs() <= DURATION_SECONDS.unsigned_abs()
        && value.nanos.unsigned_abs() < 1_000_000_000;
    if !signs_agree || !in_range {
        return out.add(at, "is not a valid google.protobuf.Duration");
    }
    let below = rules
        .min_seconds
        .filter(|min| value.seconds < *min || (value.seconds == *min && value.nanos < 0));
    if let Some(min) = below {
        out.add(at, format!("must be at least {min} seconds"));
    }
    let above = rules
        .max_seconds
        .filter(|max| value.seconds > *max || (value.seconds == *max && value.nanos > 0));
    if let Some(max) = above {
        out.add(at, format!("must be at most {max} seconds"));
    }
}
