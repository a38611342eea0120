//! The service over real sockets, on the database that PERENNIAL_TEST_DATABASE names.

mod fixture;
mod job_evaluate;
mod job_feedback;
mod rpc_activities;
mod rpc_insights;
mod rpc_profiles;
mod rpc_segments;
mod store_check;
