//! The contracts of Perennial in Rust: generated messages, servers and clients, the descriptor
//! set, and the checks that the contracts' options ask for.
//!
//! Invariant: a handler never sees a request that breaks a bound stated in the contract. The
//! codec of every generated server decodes and checks; see [`codec`] and [`contract`].

pub mod codec;
pub mod contract;
#[cfg(test)]
mod tests;

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "generated from the contracts"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

pub use generated::perennial::{
    admin, events, feedback, identity, loyalty, notification, options, types,
};

#[expect(clippy::pedantic, reason = "generated from the contracts")]
mod checks {
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The contracts as an encoded `google.protobuf.FileDescriptorSet`, with imports, comments and
/// custom options.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));

/// What the contract says about one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Path on the wire: `/perennial.loyalty.v1.PointsService/Earn`.
    pub path: &'static str,
    /// Full name of the service.
    pub service: &'static str,
    /// Name of the method.
    pub name: &'static str,
    /// Scope that a caller must hold.
    pub scope: &'static str,
    /// Full name of the request message.
    pub input: &'static str,
    /// Full name of the response message.
    pub output: &'static str,
    /// Number of the field `request_id` of the request message, when it has one: repeating such a
    /// call has no second effect.
    pub request_id: Option<u32>,
    /// Has no side effects.
    pub read_only: bool,
    /// The caller sends a stream.
    pub client_streaming: bool,
    /// The server sends a stream.
    pub server_streaming: bool,
}

/// The method at a path, or `None` when no contract knows it.
pub fn method(path: &str) -> Option<&'static Method> {
    METHODS.binary_search_by(|m| m.path.cmp(path)).ok().map(|i| &METHODS[i])
}
