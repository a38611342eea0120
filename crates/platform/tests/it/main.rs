//! What every service stands on, tested from outside: storage here, the host in `host_*`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bulk;
mod commit;
mod consumer;
mod event_log;
mod host_access;
mod host_calls;
mod host_clock;
mod host_jwt;
mod host_lifecycle;
mod host_load;
mod host_process;
mod host_redis;
mod host_support;
mod host_tls;
mod idempotency;
mod key_server;
mod master_key;
mod tally;
mod tls_backing;
mod versions;
