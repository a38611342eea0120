#![doc = include_str!("../README.md")]

mod address;
mod attempts;
mod builder;
mod channel;
mod credentials;
mod deadline;
mod endpoint;
mod pool;
mod request;
mod resolve;
mod retry;
mod serving;
#[cfg(feature = "opentelemetry")]
mod trace;

pub use builder::{Builder, ConfigError};
pub use channel::Channel;
pub use credentials::{Tls, Token};
/// The contracts: messages and clients of every service.
pub use perennial_proto as proto;
pub use resolve::{Dns, Resolve};
/// The crates whose types the clients take and give, so that a caller needs no versions of them.
pub use {prost_types, tonic, tonic_types};
