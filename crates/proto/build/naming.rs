//! How prost names things in Rust.

use prost_reflect::MessageDescriptor;

/// Path of the Rust type of a message, as seen from the crate's root.
pub(crate) fn message_path(message: &MessageDescriptor) -> String {
    match message.parent_message() {
        Some(parent) => format!("{}::{}", module_path(&parent), camel(message.name())),
        None => format!("{}::{}", package(message.package_name()), camel(message.name())),
    }
}

/// Path of the module that holds what is nested in a message.
pub(crate) fn module_path(message: &MessageDescriptor) -> String {
    match message.parent_message() {
        Some(parent) => format!("{}::{}", module_path(&parent), snake(message.name())),
        None => format!("{}::{}", package(message.package_name()), snake(message.name())),
    }
}

fn package(name: &str) -> String {
    // The crate re-exports perennial.<service>.v1 as crate::<service>::v1.
    let inner = name.strip_prefix("perennial.").unwrap_or(name);
    format!("crate::{}", inner.replace('.', "::"))
}

/// Name of a field as an identifier.
pub(crate) fn field(name: &str) -> String {
    match name {
        "type" | "ref" | "match" | "move" | "use" | "in" | "where" | "for" | "loop" => {
            format!("r#{name}")
        }
        _ => name.to_owned(),
    }
}

/// `some_name` or `SomeName` to `SomeName`.
pub(crate) fn camel(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + letters.as_str()
            })
        })
        .collect()
}

/// `SomeName` to `some_name`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, letter) in name.char_indices() {
        if letter.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
