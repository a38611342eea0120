//! The contract keeps its own rules: bounds on everything a caller sends, scopes that can be
//! granted, checks that find everything that is wrong.

use crate::contract::{At, Contract, Violations};
use crate::events::v1::{ReadRequest, ReplayParkedRequest};
use crate::{DESCRIPTOR_SET, METHODS, method};
use prost_reflect::{
    DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use std::collections::BTreeSet;

fn violations<M: Contract>(message: &M) -> Vec<(String, String)> {
    let mut found = Violations::default();
    message.check(&At::ROOT, &mut found);
    found.list().iter().map(|v| (v.field.clone(), v.description.clone())).collect()
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_path() {
    let request = ReadRequest {
        after: -1,
        types: vec!["fine".to_owned(), "x".repeat(201)],
        follow: true,
        subject: "\0".to_owned(),
    };
    let fields: Vec<_> = violations(&request).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["after", "types[1]", "subject"]);
    let fields: Vec<_> =
        violations(&ReplayParkedRequest::default()).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["consumer", "event_id"]);
}

#[test]
fn a_value_at_the_bound_passes_and_one_beyond_does_not() {
    let with = |length: usize| ReadRequest { subject: "é".repeat(length), ..Default::default() };
    assert_eq!(violations(&with(128)), []);
    assert_eq!(violations(&with(129)).len(), 1);
}

#[test]
fn endless_mistakes_are_cut_off_and_counted() {
    let request = ReadRequest { types: vec!["\u{6f2b}".repeat(300); 64], ..Default::default() };
    let mut found = Violations::default();
    request.check(&At::ROOT, &mut found);
    let status = found.into_status();
    assert!(status.message().ends_with("and 40 more"), "{}", status.message());

    let mut found = Violations::default();
    for _ in 0..2_000 {
        found.add(&At::ROOT.field(&"\u{6f2b}".repeat(99)), "\u{6f2b}".repeat(99));
    }
    let status = found.into_status();
    // Three bytes a byte in the message, four thirds in the details.
    assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 12 * 1024);
}

#[test]
fn methods_are_found_by_path_and_have_scopes_of_their_service() {
    for known in METHODS {
        assert_eq!(method(known.path), Some(known));
        let service = known.path.split('.').nth(1).unwrap();
        let area = known.scope.split('.').next().unwrap();
        assert_eq!(service, area, "{} has the scope {}", known.path, known.scope);
        let verb = known.scope.rsplit('.').next().unwrap();
        let reads_only = verb == "read";
        if known.read_only && verb != "admin" {
            assert!(reads_only, "{} only reads but asks for {}", known.path, known.scope);
        }
        assert!(!reads_only || known.read_only, "{} writes under a read scope", known.path);
    }
    assert_eq!(method("/perennial.admin.v1.ClockService/Nothing"), None);
}

/// Everything a caller can send has a bound; the codec enforces what stands in the contract, so
/// a field without one would be unbounded.
#[test]
fn every_field_a_caller_sends_is_bounded() {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    let rules = pool.get_extension_by_name("perennial.options.v1.rules").unwrap();
    let mut seen = BTreeSet::new();
    let mut unbounded = Vec::new();
    for service in pool.services().filter(|s| s.package_name().starts_with("perennial.")) {
        for method in service.methods() {
            walk(&method.input(), &rules, &mut seen, &mut unbounded);
        }
    }
    assert_eq!(unbounded, Vec::<String>::new());
}

fn walk(
    message: &MessageDescriptor,
    rules: &ExtensionDescriptor,
    seen: &mut BTreeSet<String>,
    unbounded: &mut Vec<String>,
) {
    if !seen.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        if !bounded(&field, rules) {
            unbounded.push(field.full_name().to_owned());
        }
        if let Kind::Message(inner) = field.kind()
            && inner.package_name().starts_with("perennial.")
            && !inner.is_map_entry()
        {
            walk(&inner, rules, seen, unbounded);
        }
    }
}

fn bounded(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> bool {
    let options = field.options();
    let Value::Message(rules) = options.get_extension(extension).into_owned() else {
        return false;
    };
    let set = |name: &str| rules.has_field_by_name(name);
    if (field.is_list() || field.is_map()) && !set("max_items") {
        return false;
    }
    match field.kind() {
        Kind::String => set("max_length") || set("format"),
        Kind::Bytes => set("max_length"),
        Kind::Message(inner) => inner.full_name() != "google.protobuf.Struct" || set("max_bytes"),
        // Numbers and enums carry their bounds in the type where none is stated.
        _ => true,
    }
}
