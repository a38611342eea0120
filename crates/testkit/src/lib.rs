//! What tests stand on: a service in this process with a clock to move by hand and a database of
//! its own ([`Suite`]), the event log of a service that is not there ([`Log`]), databases, ports,
//! certificates ([`Authority`]), signed tokens ([`issuer`]), and requests made from the contracts alone ([`fuzz`]).
//!
//! No sleeps: a test moves [`Suite::clock`] and calls [`Suite::settle`].

pub mod call;
pub mod fuzz;
pub mod issuer;

mod authority;
mod database;
mod log;
mod net;
mod random;
mod suite;

pub use authority::{Authority, CertificateFiles};
pub use database::TestDatabase;
pub use log::Log;
pub use net::free_port;
pub use random::Random;
pub use suite::Suite;

/// The value of an environment variable, if it is set and not empty.
#[expect(clippy::disallowed_methods, reason = "tests are told where servers are")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
