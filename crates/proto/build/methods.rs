//! The table of methods: path, scope, whether it only reads.

use prost_reflect::{DescriptorPool, Value};
use std::error::Error;
use std::fmt::Write;

pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let scope = pool
        .get_extension_by_name("perennial.options.v1.scope")
        .ok_or("options.proto does not define scope")?;
    let mut rows = Vec::new();
    for service in pool.services().filter(|s| s.package_name().starts_with("perennial.")) {
        for method in service.methods() {
            let options = method.options();
            let scope = match options.get_extension(&scope).as_ref() {
                Value::String(s) if !s.is_empty() => s.clone(),
                _ => return Err(format!("{} has no scope", method.full_name()).into()),
            };
            // google.protobuf.MethodOptions.idempotency_level = NO_SIDE_EFFECTS
            let read_only = options
                .get_field_by_name("idempotency_level")
                .is_some_and(|v| v.as_enum_number() == Some(1));
            let mut row = String::new();
            write!(
                row,
                "    Method {{ path: \"/{}/{}\", service: \"{}\", name: \"{}\", scope: \"{}\", \
                 input: \"{}\", output: \"{}\", request_id: {:?}, read_only: {}, client_streaming: {}, server_streaming: {} }},",
                service.full_name(),
                method.name(),
                service.full_name(),
                method.name(),
                scope,
                method.input().full_name(),
                method.output().full_name(),
                method.input().get_field_by_name("request_id").map(|field| field.number()),
                read_only,
                method.is_client_streaming(),
                method.is_server_streaming(),
            )?;
            rows.push((format!("/{}/{}", service.full_name(), method.name()), row));
        }
    }
    rows.sort();
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(format!(
        "/// Every method of the suite, sorted by path.\npub static METHODS: &[Method] = &[\n{}\n];\n",
        rows.join("\n")
    ))
}
