//! Writes `impl Contract` for every message of the suite.
//!
//! Only messages that a caller can send are checked: those reachable from a request. Answers are
//! not, so that a client built from an older contract still reads a newer server's enum values.

use crate::naming;
use prost_reflect::{
    Cardinality, DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value,
};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;

pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let rules = pool
        .get_extension_by_name("perennial.options.v1.rules")
        .ok_or("options.proto does not define rules")?;
    let mut inbound = BTreeSet::new();
    for service in pool.services() {
        for method in service.methods() {
            reach(&method.input(), &mut inbound);
        }
    }
    let mut out = String::new();
    for message in pool.all_messages() {
        if message.package_name().starts_with("perennial.") && !message.is_map_entry() {
            implement(&message, inbound.contains(message.full_name()), &rules, &mut out)?;
        }
    }
    Ok(out)
}

fn reach(message: &MessageDescriptor, seen: &mut BTreeSet<String>) {
    if !seen.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind() {
            reach(&inner, seen);
        }
    }
}

fn implement(
    message: &MessageDescriptor,
    inbound: bool,
    rules: &ExtensionDescriptor,
    out: &mut String,
) -> Result<(), Box<dyn Error>> {
    let path = naming::message_path(message);
    let fields: Vec<String> =
        message.fields().map(|f| format!("({}, \"{}\")", f.number(), f.name())).collect();
    writeln!(out, "impl crate::contract::Contract for {path} {{")?;
    writeln!(out, "    const INBOUND: bool = {inbound};")?;
    writeln!(out, "    const FIELDS: &'static [(u32, &'static str)] = &[{}];", fields.join(", "))?;
    writeln!(
        out,
        "    fn check(&self, at: &crate::contract::At<'_>, out: &mut crate::contract::Violations) {{"
    )?;
    writeln!(out, "        let _ = (at, &out);")?;
    if inbound {
        for field in message.fields().filter(|f| real_oneof(f).is_none() && f.kind() != Kind::Bool)
        {
            check_field(&field, rules, out)?;
        }
        for oneof in message.oneofs().filter(|o| !o.is_synthetic()) {
            let name = naming::field(oneof.name());
            let kind = format!("{}::{}", naming::module_path(message), naming::camel(oneof.name()));
            writeln!(out, "        match &self.{name} {{")?;
            for field in oneof.fields() {
                let variant = naming::camel(field.name());
                writeln!(out, "            Some({kind}::{variant}(value)) => {{")?;
                writeln!(out, "                let at = &at.field(\"{}\");", field.name())?;
                writeln!(
                    out,
                    "                {}",
                    value_check(&field, &rules_of(&field, rules), "value")
                )?;
                writeln!(out, "            }}")?;
            }
            writeln!(out, "            None => {{}}")?;
            writeln!(out, "        }}")?;
        }
    }
    writeln!(out, "    }}\n}}")?;
    Ok(())
}

fn real_oneof(field: &FieldDescriptor) -> Option<prost_reflect::OneofDescriptor> {
    field.containing_oneof().filter(|o| !o.is_synthetic())
}

fn check_field(
    field: &FieldDescriptor,
    rules: &ExtensionDescriptor,
    out: &mut String,
) -> Result<(), Box<dyn Error>> {
    let name = naming::field(field.name());
    let r = rules_of(field, rules);
    writeln!(out, "        {{")?;
    writeln!(out, "            let at = &at.field(\"{}\");", field.name())?;
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { return Err("map without entry".into()) };
        let key = value_check(&entry.map_entry_key_field(), &r, "key");
        let value = value_check(&entry.map_entry_value_field(), &r, "value");
        writeln!(out, "            crate::contract::items(at, self.{name}.len(), &{r}, out);")?;
        writeln!(out, "            for (key, value) in &self.{name} {{")?;
        writeln!(out, "                let at = &at.key(&key);")?;
        writeln!(out, "                let _ = &value;")?;
        writeln!(out, "                {key}\n                {value}")?;
        writeln!(out, "            }}")?;
    } else if field.cardinality() == Cardinality::Repeated {
        writeln!(out, "            crate::contract::items(at, self.{name}.len(), &{r}, out);")?;
        writeln!(out, "            for (index, value) in self.{name}.iter().enumerate() {{")?;
        writeln!(out, "                let at = &at.index(index);")?;
        writeln!(out, "                {}", value_check(field, &r, "value"))?;
        writeln!(out, "            }}")?;
    } else if field.supports_presence() {
        writeln!(out, "            match &self.{name} {{")?;
        writeln!(out, "                Some(value) => {{ {} }}", value_check(field, &r, "value"))?;
        writeln!(out, "                None => crate::contract::absent(at, &{r}, out),")?;
        writeln!(out, "            }}")?;
    } else {
        writeln!(out, "            let value = &self.{name};")?;
        writeln!(out, "            {}", value_check(field, &r, "value"))?;
    }
    writeln!(out, "        }}")?;
    Ok(())
}

/// The statement that checks one value (`var` is a reference to it).
fn value_check(field: &FieldDescriptor, r: &str, var: &str) -> String {
    match field.kind() {
        Kind::String => format!("crate::contract::string(at, {var}, &{r}, out);"),
        Kind::Bytes => format!("crate::contract::bytes(at, {var}, &{r}, out);"),
        Kind::Enum(kind) => {
            let known: Vec<String> = kind.values().map(|v| v.number().to_string()).collect();
            format!("crate::contract::one_of(at, *{var}, &[{}], &{r}, out);", known.join(", "))
        }
        Kind::Message(inner) => match inner.full_name() {
            "google.protobuf.Timestamp" => format!("crate::contract::timestamp(at, {var}, out);"),
            "google.protobuf.Duration" => {
                format!("crate::contract::duration(at, {var}, &{r}, out);")
            }
            other if other.starts_with("google.protobuf.") => {
                format!("crate::contract::encoded(at, {var}, &{r}, out);")
            }
            _ => format!("crate::contract::message(at, {var}, out);"),
        },
        Kind::Bool => format!("let _ = (at, {var});"),
        Kind::Float | Kind::Double => {
            format!("crate::contract::float(at, f64::from(*{var}), &{r}, out);")
        }
        _ => format!("crate::contract::number(at, i128::from(*{var}), &{r}, out);"),
    }
}

/// The field's rules as a Rust constant expression.
fn rules_of(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> String {
    let options = field.options();
    let none = "crate::contract::Rules::NONE".to_owned();
    if !options.has_extension(extension) {
        return none;
    }
    let value = options.get_extension(extension).into_owned();
    let Value::Message(rules) = value else { return none };
    let set: Vec<String> = rules.fields().map(|(f, v)| assignment(&f, v)).collect();
    format!("crate::contract::Rules {{ {}, ..crate::contract::Rules::NONE }}", set.join(", "))
}

fn assignment(field: &FieldDescriptor, value: &Value) -> String {
    let name = field.name();
    match value {
        Value::Bool(b) => format!("{name}: {b}"),
        Value::U32(n) => format!("{name}: {n}"),
        Value::I64(n) => format!("{name}: Some({n})"),
        Value::EnumNumber(n) => {
            let Kind::Enum(kind) = field.kind() else { return String::new() };
            let variant = kind.get_value(*n).map(|v| v.name().to_owned()).unwrap_or_default();
            let short = variant.strip_prefix("FORMAT_").unwrap_or(&variant).to_lowercase();
            format!("{name}: crate::contract::Format::{}", naming::camel(&short))
        }
        other => unreachable!("rule {name} of an unexpected kind: {other:?}"),
    }
}
