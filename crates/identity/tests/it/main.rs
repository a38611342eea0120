//! The service over real sockets, on the database that PERENNIAL_TEST_DATABASE names.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod fixture;
mod fuzz;
mod job_evaluate;
mod job_feedback;
mod replicas;
mod rpc_activities;
mod rpc_insights;
mod rpc_profiles;
mod rpc_segments;
mod store_check;
