//! A panic in a handler is a bug of ours and ends one call, not the connection: INTERNAL.
//!
//! The panic itself is logged with its place by the hook that [`crate::telemetry`] sets.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::error::{Error, Result};

/// Runs `work`; a panic becomes INTERNAL.
pub(super) async fn guard<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // Nothing of the call is used after the panic, and what is shared is behind locks that
    // ignore poison.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(panicked()),
    }
}

/// Runs `step` of a stream; a panic becomes INTERNAL.
pub(super) fn guard_step<T>(step: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(step)).map_err(|_| panicked())
}

fn panicked() -> Error {
    super::observe::meters().panics.add(1, &[]);
    Error::internal("a handler panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_is_internal() {
        let outcome: Result<()> = guard(async { panic!("bug") }).await;
        assert_eq!(outcome.unwrap_err().code(), Code::Internal);
        assert_eq!(guard_step::<()>(|| panic!("bug")).unwrap_err().code(), Code::Internal);
    }
}
