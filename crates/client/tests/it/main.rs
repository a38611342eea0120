//! The channel against real servers on real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "callers of a test are tasks outside any host")]

mod calls;
mod endpoints;
mod server;
mod settings;
mod tls;
mod trace;
