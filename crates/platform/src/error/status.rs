//! The one conversion of [`Error`] to a gRPC status with `google.rpc` details, and back to a
//! stored refusal.

use super::{Code, Error};
use std::collections::HashMap;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `google.rpc.ErrorInfo` of the suite.
pub(crate) const DOMAIN: &str = "perennial";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let inner = *error.0;
        if let Some(source) = &inner.source {
            if inner.code == Code::Internal {
                tracing::error!(error = %source, "internal error");
            } else {
                tracing::warn!(error = %source, reason = inner.reason, "call failed");
            }
        }
        let metadata: HashMap<String, String> =
            inner.metadata.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let mut details = ErrorDetails::with_error_info(inner.reason, DOMAIN, metadata);
        for v in inner.violations {
            details.add_bad_request_violation(v.field, v.description);
        }
        let mut headers = MetadataMap::new();
        if let Some(after) = inner.retry_after {
            details.set_retry_info(Some(after));
            // The same for clients that follow gRFC A6 instead of reading details.
            if let Ok(value) = after.as_millis().to_string().parse() {
                headers.insert("grpc-retry-pushback-ms", value);
            }
        }
        Status::with_error_details_and_metadata(inner.code.into(), inner.message, details, headers)
    }
}

impl From<Code> for tonic::Code {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::InvalidArgument,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Aborted => Self::Aborted,
            Code::OutOfRange => Self::OutOfRange,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::Unavailable => Self::Unavailable,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::Unimplemented => Self::Unimplemented,
            Code::Internal => Self::Internal,
        }
    }
}

/// What a peer answered, as our own error: unavailable stays unavailable, everything else is a
/// surprise and therefore internal.
impl From<Status> for Error {
    fn from(status: Status) -> Self {
        match status.code() {
            tonic::Code::Unavailable | tonic::Code::Cancelled | tonic::Code::ResourceExhausted => {
                Self::unavailable("PEER_UNAVAILABLE", "a service that is needed did not answer")
                    .caused_by(status.message().to_owned())
            }
            tonic::Code::DeadlineExceeded => Self::new(
                Code::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
                "a service that is needed did not answer in time",
            ),
            tonic::Code::OutOfRange => {
                Self::new(Code::OutOfRange, "PEER_OUT_OF_RANGE", status.message().to_owned())
            }
            _ => Self::internal(format!("peer answered {:?}: {}", status.code(), status.message())),
        }
    }
}

/// A refusal as it is stored under a request id: everything the caller saw.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StoredRefusal {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(string, tag = "3")]
    message: String,
    #[prost(map = "string, string", tag = "4")]
    metadata: HashMap<String, String>,
    #[prost(string, repeated, tag = "5")]
    violations: Vec<String>,
}

impl StoredRefusal {
    pub(crate) fn of(error: &Error) -> Self {
        let inner = &error.0;
        Self {
            code: tonic::Code::from(inner.code) as i32,
            reason: inner.reason.to_owned(),
            message: inner.message.clone(),
            metadata: inner.metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
            violations: inner
                .violations
                .iter()
                .flat_map(|v| [v.field.clone(), v.description.clone()])
                .collect(),
        }
    }

    pub(crate) fn into_error(self) -> Error {
        let code = match tonic::Code::from_i32(self.code) {
            tonic::Code::NotFound => Code::NotFound,
            tonic::Code::AlreadyExists => Code::AlreadyExists,
            tonic::Code::InvalidArgument => Code::InvalidArgument,
            tonic::Code::OutOfRange => Code::OutOfRange,
            _ => Code::FailedPrecondition,
        };
        let mut error = Error::new(code, intern(&self.reason), self.message);
        for (key, value) in self.metadata {
            error = error.with(intern(&key), value);
        }
        error.0.violations = self
            .violations
            .chunks_exact(2)
            .map(|pair| super::Violation { field: pair[0].clone(), description: pair[1].clone() })
            .collect();
        error.with("replayed", true)
    }
}

/// Reasons and metadata keys are `&'static str` in the code; those read back from the database
/// are leaked once each, and there are only as many as the code has.
fn intern(text: &str) -> &'static str {
    use std::collections::HashSet;
    use std::sync::{Mutex, OnceLock, PoisonError};
    static SEEN: OnceLock<Mutex<HashSet<&'static str>>> = OnceLock::new();
    let mut seen = SEEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = seen.get(text) {
        return known;
    }
    let leaked: &'static str = Box::leak(text.to_owned().into_boxed_str());
    seen.insert(leaked);
    leaked
}
