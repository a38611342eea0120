//! End to end: the real binary, over real sockets, beside real servers of others.

mod auth;
mod cli;
mod closed_loop;
mod contract;
mod crash;
mod demo;
mod docs;
mod fuzz;
mod redis;
mod smtp;
mod telemetry;
mod tidy;
