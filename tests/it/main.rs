//! End to end: the real binary, over real sockets, beside real servers of others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "seeds and counts of a run")]
#![expect(clippy::disallowed_methods, reason = "callers of a test are tasks outside any host")]

mod auth;
mod backup;
mod cli;
mod closed_loop;
mod contract;
mod crash;
mod demo;
mod docs;
mod figures;
mod fuzz;
mod member_loop;
mod python;
mod redis;
mod smtp;
mod story;
mod telemetry;
mod tidy;
mod trace;
mod workloads;
