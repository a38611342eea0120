//! The notification service over its contract, on a real database, with real mail files, a real
//! SMTP conversation and a real HTTP gateway.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod consumer_feedback;
mod consumer_identity;
mod consumer_loyalty;
mod erasure;
mod fuzz;
mod gateway;
mod job_crash;
mod job_dispatch;
mod job_webhook;
mod people;
mod rpc_inbox;
mod rpc_messages;
mod rpc_preferences;
mod rpc_report;
mod rpc_templates;
mod smtp;
mod world;
