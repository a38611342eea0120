//! The service over real sockets on the database that PERENNIAL_TEST_DATABASE names.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod config;
mod consumer_customers;
mod fuzz;
mod job_watch;
mod job_weekly;
mod replicas;
mod rpc_insights;
mod rpc_lists;
mod rpc_submit;
mod rpc_tickets;
mod store_check;
mod world;
