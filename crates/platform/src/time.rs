//! Times and durations between protobuf and chrono.

use crate::error::{Error, Result};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// As protobuf has it.
pub fn to_proto(time: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(999_999_999),
    }
}

/// From protobuf, to the microsecond. Errors: INVALID_ARGUMENT naming the field when it is out
/// of the calendar.
pub fn from_proto(field: &str, time: &prost_types::Timestamp) -> Result<DateTime<Utc>> {
    u32::try_from(time.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        .map(|time| time.trunc_subsecs(6))
        .ok_or_else(|| Error::invalid(field, "is not a point in time"))
}

/// As protobuf has it.
pub fn duration_to_proto(duration: TimeDelta) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.num_seconds(), nanos: duration.subsec_nanos() }
}

/// From protobuf. Errors: INVALID_ARGUMENT naming the field when it is out of range.
pub fn duration_from_proto(field: &str, duration: &prost_types::Duration) -> Result<TimeDelta> {
    TimeDelta::try_seconds(duration.seconds)
        .and_then(|d| d.checked_add(&TimeDelta::nanoseconds(i64::from(duration.nanos))))
        .ok_or_else(|| Error::invalid(field, "is not a duration"))
}
