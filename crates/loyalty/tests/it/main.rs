//! The loyalty service over real sockets, on SQLite or Postgres (PERENNIAL_TEST_DATABASE).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "callers of a test are tasks outside any host")]
#![expect(clippy::unnecessary_wraps, reason = "messages are optional fields of messages")]

mod fixture;
mod fuzz;
mod job_activities;
mod job_expiry;
mod job_settle;
mod rpc_audit;
mod rpc_bad_input;
mod rpc_benefits;
mod rpc_catalogue;
mod rpc_charity;
mod rpc_compensation;
mod rpc_corrections;
mod rpc_coupons;
mod rpc_earn_many;
mod rpc_explain;
mod rpc_features;
mod rpc_holds;
mod rpc_memberships;
mod rpc_pending;
mod rpc_points;
mod rpc_progress;
mod rpc_promises;
mod rpc_referrals;
mod rpc_refusal_tables;
mod rpc_refusals;
mod rpc_reports;
mod rpc_rules;
mod rpc_rules_notices;
mod rpc_rules_refusals;
mod rpc_stamps;
mod rpc_statement;
mod rpc_tiers;
mod rpc_transfer;
mod store_check;
mod store_concurrency;
mod store_migration;
mod store_replicas;
