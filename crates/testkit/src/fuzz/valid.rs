//! Values that keep the bounds of their fields.

use super::Generator;
use perennial_proto::options::v1::{FieldRules, Format};
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::collections::HashMap;

/// Messages inside messages are filled down to here.
const DEPTH: usize = 5;

/// 1997-01-01 and 2030-01-01, the years in which valid times lie.
const FROM: i64 = 852_076_800;
const TO: i64 = 1_893_456_000;

impl Generator {
    pub(super) fn valid_message(
        &mut self,
        descriptor: &MessageDescriptor,
        depth: usize,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                let at = FROM + self.between(0, TO - FROM);
                message.set_field_by_name("seconds", Value::I64(at));
            }
            "google.protobuf.Duration" => {
                message.set_field_by_name("seconds", Value::I64(self.between(0, 86_400)));
            }
            _ => {
                for field in descriptor.fields() {
                    self.fill(&mut message, &field, depth);
                }
            }
        }
        message
    }

    /// Sets one field, or leaves it out where that is allowed.
    fn fill(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: usize) {
        let rules = self.rules(field);
        let deep = depth >= DEPTH && matches!(field.kind(), Kind::Message(_));
        if !rules.required && (deep || self.random.below(10) >= self.density) {
            return;
        }
        if field.is_map() {
            let value = self.valid_map(field, &rules, depth);
            message.set_field(field, value);
        } else if field.cardinality() == Cardinality::Repeated {
            let least = rules.min_items.max(u32::from(rules.required)) as usize;
            let most = if rules.max_items == 0 { 3 } else { rules.max_items as usize };
            let count = (least + self.random.below(3)).min(most.max(least));
            let items = (0..count).map(|_| self.valid_value(field, &rules, depth)).collect();
            message.set_field(field, Value::List(items));
        } else {
            let value = self.valid_value(field, &rules, depth);
            message.set_field(field, value);
        }
    }

    fn valid_map(&mut self, field: &FieldDescriptor, rules: &FieldRules, depth: usize) -> Value {
        let Kind::Message(entry) = field.kind() else {
            return Value::Map(HashMap::new());
        };
        let value_field = entry.map_entry_value_field();
        let count = 1 + self.random.below(2).min(rules.max_items.max(1) as usize - 1);
        let entries = (0..count)
            .map(|n| {
                let key = prost_reflect::MapKey::String(format!("key{n}"));
                (key, self.valid_value(&value_field, rules, depth + 1))
            })
            .collect();
        Value::Map(entries)
    }

    /// One element of the field.
    pub(super) fn valid_value(
        &mut self,
        field: &FieldDescriptor,
        rules: &FieldRules,
        depth: usize,
    ) -> Value {
        let least = rules.min.unwrap_or(0).max(i64::from(rules.required));
        let most = rules.max.unwrap_or(1_000).max(least);
        match field.kind() {
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Duration" => {
                let (from, to) =
                    (rules.min_seconds.unwrap_or(0), rules.max_seconds.unwrap_or(86_400));
                let mut duration = DynamicMessage::new(inner);
                duration.set_field_by_name("seconds", Value::I64(self.between(from, to)));
                Value::Message(duration)
            }
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Struct" => {
                Value::Message(self.some_rules(inner))
            }
            Kind::Message(inner) => Value::Message(self.valid_message(&inner, depth + 1)),
            Kind::Enum(kind) => {
                let values: Vec<i32> = kind.values().map(|value| value.number()).collect();
                let from = usize::from(rules.required && values.len() > 1);
                Value::EnumNumber(*self.random.pick(&values[from..]))
            }
            Kind::String => Value::String(self.valid_string(field, rules)),
            Kind::Bytes => Value::Bytes(vec![7; rules.min_length.max(1) as usize].into()),
            Kind::Bool => Value::Bool(self.random.one_in(2)),
            Kind::Double => Value::F64(1.5),
            Kind::Float => Value::F32(1.5),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                Value::I32(i32::try_from(self.between(least, most)).unwrap_or(i32::MAX))
            }
            Kind::Uint32 | Kind::Fixed32 => {
                Value::U32(u32::try_from(self.between(least, most)).unwrap_or(1))
            }
            Kind::Uint64 | Kind::Fixed64 => {
                Value::U64(u64::try_from(self.between(least, most)).unwrap_or(1))
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.between(least, most)),
        }
    }

    fn valid_string(&mut self, field: &FieldDescriptor, rules: &FieldRules) -> String {
        if field.name() == "user_id" || field.name().ends_with("_user_id") {
            return format!("user-{}", self.random.below(20));
        }
        let text = match Format::try_from(rules.format).unwrap_or_default() {
            // Few enough that the same one comes again with another request.
            Format::Key => format!("key-{}", self.random.below(300)),
            Format::Id => self.seen_id(field.name()),
            Format::TimeZone => self.choose(&["Asia/Shanghai", "America/New_York", "UTC"]),
            Format::Locale => self.choose(&["zh-CN", "en"]),
            Format::Currency => self.choose(&["CNY", "USD"]),
            Format::Email => format!("user{}@example.com", self.random.below(50)),
            Format::Phone => "+8613800000000".into(),
            // The discard port: a webhook to it reaches nobody.
            Format::Url => "http://127.0.0.1:9/hook".into(),
            Format::Date => self.choose(&["1990-02-28", "2000-02-29", "1985-12-31"]),
            Format::TimeOfDay => self.choose(&["22:00", "07:30", "00:00"]),
            Format::Unspecified if field.name() == "page_token" => String::new(),
            Format::Unspecified if field.name().ends_with("_id") => self.uuid(),
            Format::Unspecified => self.choose(&["text", "很好用", "a b c", "{{ name }}"]),
        };
        let most = if rules.max_length == 0 { usize::MAX } else { rules.max_length as usize };
        let mut text: String = text.chars().take(most).collect();
        while text.chars().count() < rules.min_length as usize {
            text.push('x');
        }
        text
    }

    /// An identifier that an earlier answer had in a field of this name, or else one that nothing
    /// has.
    fn seen_id(&mut self, field: &str) -> String {
        let name = field.trim_end_matches('s');
        let known = self.seen.iter().filter(|(seen, _)| name.ends_with(seen.as_str()));
        let ids: Vec<&String> = known.flat_map(|(_, ids)| ids).collect();
        if ids.is_empty() || self.random.one_in(8) {
            return format!("{}_{:032x}", prefix(name), self.random.bits());
        }
        (*self.random.pick(&ids)).clone()
    }

    /// The one kind of free structure that the contract has: rules of loyalty, most terms as shipped.
    fn some_rules(&mut self, descriptor: MessageDescriptor) -> DynamicMessage {
        use prost_types::value::Kind::{NumberValue, StringValue};
        let value = |kind| prost_types::Value { kind: Some(kind) };
        let version = format!("v{}", self.random.below(1_000));
        let points = u32::try_from(self.random.below(20)).unwrap_or(1);
        let fields = [
            ("version".to_owned(), value(StringValue(version))),
            ("check_in_points".to_owned(), value(NumberValue(f64::from(points)))),
        ];
        let mut message = DynamicMessage::new(descriptor);
        let rules = prost_types::Struct { fields: fields.into() };
        let _always_a_struct = message.transcode_from(&rules);
        message
    }

    /// A string that some answer held.
    pub(super) fn any_seen(&mut self) -> Option<String> {
        let all: Vec<&String> = self.seen.values().flatten().collect();
        if all.is_empty() { None } else { Some((*self.random.pick(&all)).clone()) }
    }

    fn uuid(&mut self) -> String {
        uuid::Uuid::from_u64_pair(self.random.bits(), self.random.bits()).to_string()
    }

    fn choose(&mut self, from: &[&str]) -> String {
        (*self.random.pick(from)).to_owned()
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.abs_diff(least).saturating_add(1);
        least.saturating_add_unsigned(self.random.bits() % span)
    }
}

/// How ids in a field of this name begin.
fn prefix(field: &str) -> &'static str {
    const KNOWN: [(&str, &str); 10] = [
        ("charge_id", "chg"),
        ("claim_id", "clm"),
        ("coupon_id", "cpn"),
        ("entry_id", "ent"),
        ("grant_id", "grant"),
        ("hold_id", "hold"),
        ("incident_id", "inc"),
        ("payout_id", "pay"),
        ("redemption_id", "rdm"),
        ("referral_id", "ref"),
    ];
    KNOWN.iter().find(|(name, _)| field.ends_with(name)).map_or("tkt", |(_, prefix)| prefix)
}
