//! The time a call has, as gRPC writes it in `grpc-timeout`.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;

const GRPC_TIMEOUT: &str = "grpc-timeout";
/// gRPC allows eight digits.
const LARGEST: u128 = 99_999_999;

/// The timeout that a caller set on its request, if there is a valid one.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => amount.checked_mul(3600).map(Duration::from_secs),
        "M" => amount.checked_mul(60).map(Duration::from_secs),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Tells the server how much is left.
pub(crate) fn set(headers: &mut HeaderMap, left: Duration) {
    let text = if left.as_micros() <= LARGEST {
        format!("{}u", left.as_micros())
    } else if left.as_millis() <= LARGEST {
        format!("{}m", left.as_millis())
    } else {
        format!("{}S", u128::from(left.as_secs()).min(LARGEST))
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        for left in [0, 1, 99_999_999, 100_000_000, 99_999_999_000].map(Duration::from_micros) {
            let mut headers = HeaderMap::new();
            set(&mut headers, left);
            assert_eq!(asked(&headers), Some(left));
        }
    }

    #[test]
    fn nonsense_is_no_timeout() {
        for text in ["", "5", "S", "5x", "-5S", "99999999999999999999S"] {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, text.parse().unwrap());
            assert_eq!(asked(&headers), None, "{text}");
        }
    }
}
