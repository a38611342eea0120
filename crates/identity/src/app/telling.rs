//! The events that this service tells.

use super::recording::{ActivityKind, activity_id};
use crate::domain::activity::Recorded;
use crate::domain::evaluation::Verdict;
use crate::domain::lifecycle::SegmentSet;
use crate::domain::user::User;
use chrono::{DateTime, Utc};
use perennial_platform::events::NewEvent;
use perennial_platform::id::Id;
use perennial_platform::time;
use perennial_proto::identity::v1 as proto;
use perennial_proto::types::v1::Money;

pub(super) fn registered(now: DateTime<Utc>, user: &User) -> NewEvent {
    let event = proto::UserRegistered {
        user_id: user.user_id.clone(),
        register_time: Some(time::to_proto(user.standing.register_time())),
    };
    NewEvent::of(now, &user.user_id, &event)
}

pub(super) fn updated(now: DateTime<Utc>, user_id: &str, fields: &[&str]) -> NewEvent {
    let event = proto::ProfileUpdated {
        user_id: user_id.to_owned(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    };
    NewEvent::of(now, user_id, &event)
}

pub(super) fn erased(now: DateTime<Utc>, user_id: &str) -> NewEvent {
    NewEvent::of(now, user_id, &proto::UserErased { user_id: user_id.to_owned() })
}

pub(super) fn recorded(now: DateTime<Utc>, recorded: &Recorded) -> NewEvent {
    let activity = &recorded.activity;
    let event = proto::ActivityRecorded {
        user_id: activity.user_id.clone(),
        activity_id: Id::<ActivityKind>::from(recorded.id).to_string(),
        kind: i32::from(activity.kind.code()),
        occur_time: Some(time::to_proto(activity.occur_time)),
        amount: activity.amount.map(|money| Money {
            currency: money.currency.to_string(),
            minor_units: money.minor_units,
        }),
        source: activity.source.clone(),
        source_event_id: activity.source_event_id.clone(),
        object: activity.object.clone(),
        duration: activity.duration.map(time::duration_to_proto),
    };
    debug_assert_eq!(recorded.id, activity_id(activity).uuid());
    NewEvent::of(now, &activity.user_id, &event)
}

/// What changes for others when a user's verdict becomes another one.
pub(super) fn changes(
    now: DateTime<Utc>,
    before: &User,
    segments_before: SegmentSet,
    after: Verdict,
) -> Vec<NewEvent> {
    let user_id = &before.user_id;
    let mut events = Vec::new();
    for segment in after.segments.without(segments_before) {
        let segment = segment.key().to_owned();
        let event = proto::SegmentEntered { user_id: user_id.clone(), segment };
        events.push(NewEvent::of(now, user_id, &event));
    }
    for segment in segments_before.without(after.segments) {
        let segment = segment.key().to_owned();
        let event = proto::SegmentLeft { user_id: user_id.clone(), segment };
        events.push(NewEvent::of(now, user_id, &event));
    }
    if after.grade != before.grade {
        let event = proto::RiskGradeChanged {
            user_id: user_id.clone(),
            from: before.grade as i32,
            to: after.grade as i32,
            signals: after.signals.iter().map(|signal| signal as i32).collect(),
        };
        events.push(NewEvent::of(now, user_id, &event));
    }
    if after.stage != before.stage {
        let event = proto::StageChanged {
            user_id: user_id.clone(),
            from: before.stage as i32,
            to: after.stage as i32,
        };
        events.push(NewEvent::of(now, user_id, &event));
    }
    events
}
