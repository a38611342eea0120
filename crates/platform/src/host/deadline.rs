//! Deadlines: every call has one, and calls made on its behalf inherit what is left of it.
//!
//! tonic answers CANCELLED when a call runs out of time, bounds streams only until their first
//! header and ignores a malformed `grpc-timeout`; here it is DEADLINE_EXCEEDED, the whole stream,
//! and INVALID_ARGUMENT.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::error::{Code, Error, Result};

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Moves the suite's time by a year in one call, so only its caller can say how long it may take.
const UNBOUNDED: &str = "/perennial.admin.v1.ClockService/Advance";

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Time left for the call being handled; `None` outside of calls and in those without a deadline.
pub fn remaining() -> Option<Duration> {
    DEADLINE.try_with(|at| at.saturating_duration_since(Instant::now())).ok()
}

/// The rules by which calls get their deadlines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// For callers who ask for none.
    pub(super) default: Duration,
    /// The most that anybody gets.
    pub(super) maximum: Duration,
}

/// Until when one call has to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    /// The head of the answer, which for a unary call is all of it.
    pub(super) head: Option<Instant>,
    /// The end of the stream that follows.
    pub(super) end: Option<Instant>,
}

impl Deadlines {
    /// What the caller asked for, within the rules. A caller that sends a stream, or follows one
    /// of ours, is bounded only by what it asked for itself.
    pub(super) fn of(self, path: &str, headers: &HeaderMap, now: Instant) -> Result<Deadline> {
        let asked = requested(headers)?;
        let uploads = perennial_proto::method(path).is_some_and(|method| method.client_streaming);
        let head = if uploads || path == UNBOUNDED {
            asked
        } else {
            Some(asked.unwrap_or(self.default).min(self.maximum))
        };
        let at = |budget: Duration| now.checked_add(budget);
        Ok(Deadline { head: head.and_then(at), end: asked.and_then(at) })
    }
}

impl Deadline {
    /// Time until the head is due.
    pub(super) fn patience(self) -> Option<Duration> {
        self.head.map(|head| head.saturating_duration_since(Instant::now()))
    }

    /// Runs `work` until the head is due. Errors: DEADLINE_EXCEEDED / DEADLINE_EXCEEDED.
    pub(super) async fn bound<T>(self, work: impl Future<Output = T>) -> Result<T> {
        let Some(head) = self.head else {
            return Ok(work.await);
        };
        let work = DEADLINE.scope(head, work);
        tokio::time::timeout_at(head, work).await.map_err(|_| exceeded())
    }
}

pub(super) fn exceeded() -> Error {
    Error::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the call ran out of time")
}

/// The budget in `grpc-timeout`. Errors: INVALID_ARGUMENT naming the header.
pub(super) fn requested(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else {
        return Ok(None);
    };
    let budget = value.to_str().ok().and_then(parse);
    let malformed = || Error::invalid(GRPC_TIMEOUT, "must be up to 8 digits and a unit (HMSmun)");
    budget.map(Some).ok_or_else(malformed)
}

/// "TimeoutValue TimeoutUnit" of the gRPC over HTTP/2 specification.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(value * 3600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

/// A budget as `grpc-timeout`, in milliseconds.
pub(super) fn format(budget: Duration) -> String {
    format!("{}m", budget.as_millis().min(99_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Deadlines =
        Deadlines { default: Duration::from_secs(5), maximum: Duration::from_secs(30) };
    const UNARY: &str = "/perennial.admin.v1.ClockService/GetTime";

    fn asking(timeout: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, timeout.parse().unwrap());
        headers
    }

    fn seconds(path: &str, headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
        let now = Instant::now();
        let deadline = RULES.of(path, headers, now).unwrap();
        let left = |at: Option<Instant>| at.map(|at| (at - now).as_secs());
        (left(deadline.head), left(deadline.end))
    }

    #[test]
    fn default_and_maximum_bound_the_answer_but_not_an_open_stream() {
        assert_eq!(seconds(UNARY, &HeaderMap::new()), (Some(5), None));
        assert_eq!(seconds(UNARY, &asking("2S")), (Some(2), Some(2)));
        assert_eq!(seconds(UNARY, &asking("1H")), (Some(30), Some(3600)));
        assert_eq!(seconds(UNBOUNDED, &HeaderMap::new()), (None, None));
    }

    #[test]
    fn timeouts_are_read_as_the_specification_writes_them() {
        assert_eq!(parse("100m"), Some(Duration::from_millis(100)));
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parse(&format(Duration::from_millis(1500))), Some(Duration::from_millis(1500)));
        for bad in ["", "m", "12", "-1S", "123456789S", "5x", "1 S", "5\u{b5}"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(RULES.of(UNARY, &asking("soon"), Instant::now()).is_err());
    }

    #[tokio::test]
    async fn work_knows_what_is_left_and_is_ended() {
        let soon = RULES.of(UNARY, &asking("20m"), Instant::now()).unwrap();
        let error = soon.bound(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        let later = RULES.of(UNARY, &asking("20S"), Instant::now()).unwrap();
        let left = later.bound(async { remaining() }).await.unwrap().unwrap();
        assert!(left > Duration::from_secs(10) && left <= Duration::from_secs(20));
        assert_eq!(remaining(), None);
    }
}
