//! Activities.

use super::from_money;
use crate::app::ActivityKind;
use crate::domain::activity::{Activity, Kind, Recorded};
use crate::domain::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::id::Id;
use perennial_platform::{Error, Result, time};
use perennial_proto::identity::v1 as proto;

/// Errors: INVALID_ARGUMENT naming the field that cannot be read (bounds are checked already).
pub(crate) fn to_activities(told: Vec<proto::Activity>) -> Result<Vec<Activity>> {
    told.into_iter().enumerate().map(|(index, one)| to_activity(index, one)).collect()
}

fn to_activity(index: usize, told: proto::Activity) -> Result<Activity> {
    let field = |name: &str| format!("activities[{index}].{name}");
    let occur_time = to_time(&field("occur_time"), told.occur_time.as_ref())?
        .ok_or_else(|| Error::invalid(field("occur_time"), "is required"))?;
    let kind = Kind::from_code(told.kind)
        .ok_or_else(|| Error::invalid(field("kind"), "has no value with this number"))?;
    let amount = told.amount.map(|money| {
        let currency = money.currency.parse();
        let currency =
            currency.map_err(|bad| Error::invalid(field("amount.currency"), format!("{bad}")))?;
        Ok::<_, Error>(Money { currency, minor_units: money.minor_units })
    });
    let duration = told.duration.map(|duration| {
        let exact = time::duration_from_proto(&field("duration"), &duration)?;
        Ok::<_, Error>(TimeDelta::milliseconds(exact.num_milliseconds()))
    });
    Ok(Activity {
        user_id: told.user_id,
        kind,
        occur_time,
        source: told.source,
        source_event_id: told.source_event_id,
        amount: amount.transpose()?,
        object: told.object,
        duration: duration.transpose()?,
    })
}

pub(crate) fn from_recorded(recorded: Recorded) -> proto::Activity {
    let activity = recorded.activity;
    proto::Activity {
        activity_id: Id::<ActivityKind>::from(recorded.id).to_string(),
        user_id: activity.user_id,
        kind: i32::from(activity.kind.code()),
        occur_time: Some(time::to_proto(activity.occur_time)),
        source: activity.source,
        source_event_id: activity.source_event_id,
        amount: activity.amount.map(from_money),
        object: activity.object,
        duration: activity.duration.map(time::duration_to_proto),
        record_time: Some(time::to_proto(recorded.record_time)),
    }
}

/// A time that may be unset.
pub(crate) fn to_time(
    field: &str,
    time: Option<&prost_types::Timestamp>,
) -> Result<Option<DateTime<Utc>>> {
    time.map(|time| time::from_proto(field, time)).transpose()
}

/// The kinds a list asks for; unspecified ones ask for nothing.
pub(crate) fn to_kinds(codes: &[i32]) -> Vec<Kind> {
    codes.iter().filter_map(|code| Kind::from_code(*code)).collect()
}
