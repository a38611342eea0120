//! Tests that measure, and so must have the machine for themselves: cargo runs test programs one
//! after another, and the tests in this one wait for each other.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what was measured")]
#![expect(clippy::disallowed_methods, reason = "callers of a test are tasks outside any host")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates and shares of small numbers"
)]

mod overload;
mod rolling;

/// Held by the test that runs.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
