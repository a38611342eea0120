//! One error for every service: a closed code, a stable reason in capitals, a public message.
//!
//! Invariant: what a caller sees never holds a SQL text, a path or personal data. The source of
//! an internal error is logged once, where it becomes a status, and stays here.

mod database;
pub(crate) mod status;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What kind of error it is; each stands for the gRPC code of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the codes of gRPC")]
pub enum Code {
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    ResourceExhausted,
    Unauthenticated,
    PermissionDenied,
    Unavailable,
    DeadlineExceeded,
    Unimplemented,
    Internal,
}

pub use perennial_proto::contract::Violation;
use perennial_proto::contract::{At, Violations};

/// The result of anything that can be refused or fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call was refused or failed.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    reason: &'static str,
    message: String,
    violations: Vec<Violation>,
    metadata: Vec<(&'static str, String)>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a stable `reason` (UPPER_SNAKE_CASE) and a message for people.
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    /// INVALID_ARGUMENT: one field is wrong.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::violations(vec![Violation { field: field.into(), description: description.into() }])
    }

    /// INVALID_ARGUMENT: these fields are wrong. The first are told and the rest counted, as
    /// the codec does: errors travel in HTTP/2 trailers, and beyond a few KiB the whole answer is
    /// lost.
    pub fn violations(violations: Vec<Violation>) -> Self {
        let mut all = Violations::default();
        for Violation { field, description } in violations {
            all.add(&At::ROOT.field(&field), description);
        }
        let mut error = Self::new(Code::InvalidArgument, "INVALID_FIELDS", all.message());
        error.0.violations = all.list().to_vec();
        error
    }

    /// NOT_FOUND.
    pub fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, reason, message)
    }

    /// ALREADY_EXISTS.
    pub fn already_exists(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::AlreadyExists, reason, message)
    }

    /// FAILED_PRECONDITION: the state does not allow it.
    pub fn precondition(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, reason, message)
    }

    /// ABORTED: lost against a concurrent change; the same call may succeed now.
    pub fn aborted(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Aborted, reason, message)
    }

    /// RESOURCE_EXHAUSTED.
    pub fn exhausted(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::ResourceExhausted, reason, message)
    }

    /// UNAVAILABLE: a part that is needed is gone for now; asks the caller to retry in a second.
    pub fn unavailable(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, reason, message).retry_after(Duration::from_secs(1))
    }

    /// INTERNAL: a bug of ours. The caller sees "internal error" and nothing of the source.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(Code::Internal, "INTERNAL", "internal error");
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    /// Adds a value to the metadata of the `google.rpc.ErrorInfo`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a value reads better where it is called")]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.0.metadata.push((key, value.to_string()));
        self
    }

    /// Tells the caller when to try again (`google.rpc.RetryInfo`).
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps what caused it, for the log.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of error it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The stable reason.
    pub fn reason(&self) -> &str {
        self.0.reason
    }

    /// The public message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A decision by rule: the same request will be answered the same way, so the answer is
    /// stored under its request id. All else (unavailable, aborted, a bug) may end differently
    /// the next time.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.0.code,
            Code::NotFound
                | Code::AlreadyExists
                | Code::FailedPrecondition
                | Code::InvalidArgument
                | Code::OutOfRange
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason, self.0.message)?;
        if let Some(source) = &self.0.source {
            write!(f, " ({source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_violations_fit_into_the_trailers() {
        let many = (0..2_000).map(|n| Violation {
            field: format!("update_mask.paths[{n}]"),
            description: "x".repeat(500),
        });
        let status = tonic::Status::from(Error::violations(many.collect()));
        assert!(status.message().ends_with(" more"), "{}", status.message());
        assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 12 * 1024);
    }
}
