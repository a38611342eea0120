//! The channel against real servers on real sockets.

mod calls;
mod endpoints;
mod server;
mod settings;
