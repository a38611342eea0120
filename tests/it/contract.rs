//! Habits of the contracts that buf does not see.

use perennial_proto::{DESCRIPTOR_SET, METHODS};
use perennial_tests::servers::serving;
use prost_reflect::{DescriptorPool, Kind};

#[test]
fn every_rpc_has_a_scope_that_tells_reading_from_writing() {
    for method in METHODS {
        assert!(!method.scope.is_empty(), "{} has no scope", method.path);
        let package = method.service.split('.').nth(1).unwrap();
        assert!(
            method.scope.starts_with(&format!("{package}.")),
            "{}: {}",
            method.path,
            method.scope
        );
        let kind = method.scope.rsplit('.').next();
        let other = if method.read_only { "write" } else { "read" };
        assert_ne!(kind, Some(other), "{}: {}", method.path, method.scope);
    }
}

#[test]
fn every_write_takes_a_request_id_and_every_list_takes_pages() {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    for method in METHODS {
        let input = pool.get_message_by_name(method.input).unwrap();
        let has = |field: &str| {
            let batch = input.get_field_by_name("requests").map(|requests| requests.kind());
            let inside = matches!(&batch, Some(Kind::Message(one)) if one.get_field_by_name(field).is_some());
            input.get_field_by_name(field).is_some() || inside
        };
        if !method.read_only {
            assert!(has("request_id"), "{} takes no request_id", method.path);
        }
        let output = pool.get_message_by_name(method.output).unwrap();
        if output.get_field_by_name("next_page_token").is_some() {
            assert!(has("page_token") && has("page_size"), "{} takes no pages", method.path);
        }
    }
}

#[test]
fn every_rpc_is_served_somewhere() {
    for method in METHODS {
        assert!(!serving(method).is_empty(), "{}", method.path);
    }
    assert!(METHODS.len() > 50, "only {} RPCs", METHODS.len());
}
