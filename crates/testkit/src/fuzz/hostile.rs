//! Values at, just beyond and far beyond the bounds.

use super::Generator;
use perennial_proto::options::v1::FieldRules;
use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};

/// Longest list and string that a case tries; the rest of the range is the transport's limit.
const MANY: usize = 2_000;
const LONG: usize = 20_000;

impl Generator {
    /// Sets one random field of the message, or of a message inside it, to a hostile value.
    pub(super) fn spoil(&mut self, message: &mut DynamicMessage) {
        let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
        if fields.is_empty() {
            return;
        }
        let field = self.random.pick(&fields).clone();
        if message.has_field(&field)
            && !self.random.one_in(4)
            && let Some(inner) = inner_message(message.get_field_mut(&field))
        {
            return self.spoil(inner);
        }
        let rules = self.rules(&field);
        if self.random.one_in(8) {
            message.clear_field(&field);
        } else if field.is_map() {
            // Maps are covered by damaged bytes.
        } else if field.cardinality() == Cardinality::Repeated {
            let value = self.hostile_list(&field, &rules);
            message.set_field(&field, value);
        } else {
            let value = self.hostile_value(&field, &rules);
            message.set_field(&field, value);
        }
    }

    fn hostile_list(&mut self, field: &FieldDescriptor, rules: &FieldRules) -> Value {
        let most = rules.max_items as usize;
        let count = *self.random.pick(&[0, 1, most, most + 1, MANY]);
        let element = if self.random.one_in(2) {
            self.hostile_value(field, rules)
        } else {
            self.valid_value(field, rules, 3)
        };
        // Long strings many times over would only test the size limit of a message.
        let count = if matches!(&element, Value::String(text) if text.len() > 200) {
            count.min(3)
        } else {
            count.min(MANY)
        };
        Value::List(vec![element; count])
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "hostile on purpose"
    )]
    fn hostile_value(&mut self, field: &FieldDescriptor, rules: &FieldRules) -> Value {
        match field.kind() {
            Kind::Message(inner) => Value::Message(self.hostile_message(&inner)),
            Kind::Enum(_) => Value::EnumNumber(*self.random.pick(&[-1, 0, 99, i32::MAX, i32::MIN])),
            Kind::String => Value::String(self.hostile_string(rules)),
            Kind::Bytes => {
                let most = rules.max_length as usize;
                let length = *self.random.pick(&[0, 1, most, most + 1, LONG]);
                Value::Bytes(vec![0xff; length.min(LONG)].into())
            }
            Kind::Bool => Value::Bool(true),
            Kind::Double => {
                Value::F64(*self.random.pick(&[f64::NAN, f64::INFINITY, f64::MIN, -0.0, 1e308]))
            }
            Kind::Float => Value::F32(*self.random.pick(&[f32::NAN, f32::INFINITY, f32::MIN])),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                Value::I32(self.hostile_number(rules) as i32)
            }
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.hostile_number(rules) as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.hostile_number(rules) as u64),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.hostile_number(rules)),
        }
    }

    fn hostile_number(&mut self, rules: &FieldRules) -> i64 {
        let (least, most) = (rules.min.unwrap_or(0), rules.max.unwrap_or(i64::from(i32::MAX)));
        *self.random.pick(&[
            0,
            1,
            -1,
            least,
            least.saturating_sub(1),
            most,
            most.saturating_add(1),
            i64::from(i32::MAX),
            i64::from(i32::MIN),
            i64::MAX,
            i64::MIN,
        ])
    }

    fn hostile_string(&mut self, rules: &FieldRules) -> String {
        let most = if rules.max_length == 0 { 128 } else { rules.max_length as usize };
        match self.random.below(14) {
            0 => String::new(),
            1 => "\0".into(),
            2 => "a\0b".into(),
            3 => "\u{1F600}".repeat(most.min(LONG / 4)),
            4 => "\u{202E}drow\u{200B}".into(),
            5 => "x".repeat(most.min(LONG)),
            6 => "x".repeat((most + 1).min(LONG)),
            7 => "x".repeat(LONG),
            8 => "'; DROP TABLE events; --".into(),
            9 => "{{ 9999999 ** 99 }}{% for i in range(99999) %}x{% endfor %}".into(),
            10 => "../../etc/passwd%00\r\nBcc: all@example.com".into(),
            11 => "-00000000000000000000000000000001".into(),
            // A token or an identifier in the wrong place.
            _ => self.any_seen().unwrap_or_else(|| "no-such-thing".into()),
        }
    }

    fn hostile_message(&mut self, descriptor: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
                let seconds = *self.random.pick(&[
                    0,
                    -1,
                    -62_135_596_800,
                    -62_135_596_801,
                    253_402_300_799,
                    253_402_300_800,
                    315_576_000_001,
                    i64::MAX,
                    i64::MIN,
                ]);
                let nanos = *self.random.pick(&[0, -1, 999_999_999, 1_000_000_000, i32::MIN]);
                message.set_field_by_name("seconds", Value::I64(seconds));
                message.set_field_by_name("nanos", Value::I32(nanos));
            }
            "google.protobuf.FieldMask" => {
                let paths = ["", "*", "no_such_field", "a.b.c", "user_id", "request_id", "name"];
                let path = (*self.random.pick(&paths)).to_owned();
                let count = *self.random.pick(&[1, 2, MANY]);
                message.set_field_by_name("paths", Value::List(vec![Value::String(path); count]));
            }
            "google.protobuf.Struct" => return self.deep_struct(descriptor),
            _ => {
                message = self.valid_message(descriptor, 3);
                self.spoil(&mut message);
            }
        }
        message
    }

    /// `{"a": {"a": ...}}`: deeper than a decoder goes on some draws.
    fn deep_struct(&mut self, descriptor: &MessageDescriptor) -> DynamicMessage {
        let depth = *self.random.pick(&[1, 20, 48, 60]);
        let mut inner = DynamicMessage::new(descriptor.clone());
        let Some(fields) = descriptor.get_field_by_name("fields") else {
            return inner;
        };
        let Kind::Message(entry) = fields.kind() else {
            return inner;
        };
        let Kind::Message(value) = entry.map_entry_value_field().kind() else {
            return inner;
        };
        for _ in 0..depth {
            let mut wrapped = DynamicMessage::new(value.clone());
            wrapped.set_field_by_name("struct_value", Value::Message(inner));
            let mut outer = DynamicMessage::new(descriptor.clone());
            let key = prost_reflect::MapKey::String("a".into());
            outer.set_field(&fields, Value::Map([(key, Value::Message(wrapped))].into()));
            inner = outer;
        }
        inner
    }
}

/// A message inside the value that can be spoiled in place.
fn inner_message(value: &mut Value) -> Option<&mut DynamicMessage> {
    let spoilable = |message: &&mut DynamicMessage| {
        !message.descriptor().full_name().starts_with("google.protobuf.")
    };
    match value {
        Value::Message(message) => Some(message).filter(spoilable),
        Value::List(items) => match items.last_mut() {
            Some(Value::Message(message)) => Some(message).filter(spoilable),
            _ => None,
        },
        _ => None,
    }
}
