//! Profiles.

use crate::app::{ProfileView, Upsert};
use crate::domain::profile::{Details, Field, Personal};
use chrono::{DateTime, Utc};
use perennial_platform::error::Violation;
use perennial_platform::{Error, Result, time};
use perennial_proto::identity::v1::{Profile, UpsertProfileRequest};
use prost_types::FieldMask;

pub(crate) fn from_profile(view: ProfileView) -> Profile {
    let Details { personal, .. } = view.details;
    Profile {
        user_id: view.user_id,
        display_name: personal.display_name,
        email: personal.email,
        phone: personal.phone,
        birthday: personal.birthday,
        locale: view.details.locale,
        time_zone: view.details.time_zone,
        industry: view.details.industry,
        occupation: personal.occupation,
        use_scenario: personal.use_scenario,
        influencer: view.details.influencer,
        register_time: Some(time::to_proto(view.register_time)),
        acquisition_channel: view.details.acquisition_channel,
        attributes: personal.attributes,
        create_time: Some(time::to_proto(view.create_time)),
        update_time: Some(time::to_proto(view.update_time)),
        revision: view.revision,
    }
}

/// Errors: INVALID_ARGUMENT with every field that is wrong. `latest` is the last moment at which
/// somebody may have registered.
pub(crate) fn to_upsert(request: UpsertProfileRequest, latest: DateTime<Utc>) -> Result<Upsert> {
    let profile = request.profile.unwrap_or_default();
    let user_id = profile.user_id.clone();
    let mut wrong = Vec::new();
    let patch = to_details(profile, latest, &mut wrong);
    let fields = to_fields(request.update_mask.as_ref(), &patch, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error::violations(wrong));
    }
    let (expected_revision, reregister) = (request.expected_revision, request.reregister);
    Ok(Upsert { user_id, patch, fields, expected_revision, reregister })
}

fn to_details(profile: Profile, latest: DateTime<Utc>, wrong: &mut Vec<Violation>) -> Details {
    let field = "profile.register_time";
    let mut register_time = None;
    if let Some(told) = &profile.register_time {
        match time::from_proto(field, told) {
            Ok(time) if time <= latest => register_time = Some(time),
            Ok(_) => wrong.push(violation(field, "must not be in the future")),
            Err(_) => wrong.push(violation(field, "is not a point in time")),
        }
    }
    let personal = Personal {
        display_name: profile.display_name,
        email: profile.email,
        phone: profile.phone,
        birthday: profile.birthday,
        occupation: profile.occupation,
        use_scenario: profile.use_scenario,
        attributes: profile.attributes,
    };
    let bad = personal.bad_attributes().into_iter();
    wrong.extend(bad.map(|(path, rule)| violation(format!("profile.{path}"), rule)));
    Details {
        personal,
        locale: profile.locale,
        time_zone: profile.time_zone,
        industry: profile.industry,
        influencer: profile.influencer,
        register_time,
        acquisition_channel: profile.acquisition_channel,
    }
}

fn to_fields(mask: Option<&FieldMask>, patch: &Details, wrong: &mut Vec<Violation>) -> Vec<Field> {
    let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.is_empty() {
        return patch.populated();
    }
    if paths == ["*"] {
        return Field::all();
    }
    let mut fields = Vec::new();
    for path in paths {
        if let Some(field) = Field::from_path(path) {
            fields.push(field);
        } else {
            let rule = format!("has no path {path:?} that can be written");
            wrong.push(violation("update_mask", rule));
        }
    }
    fields
}

fn violation(field: impl Into<String>, description: impl Into<String>) -> Violation {
    Violation { field: field.into(), description: description.into() }
}
