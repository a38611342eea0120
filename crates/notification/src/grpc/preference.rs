//! PreferenceService.

use super::convert;
use crate::app::{App, PreferenceChange, Preferences};
use crate::domain::kinds::Channel;
use crate::domain::preference::{Choice, QuietChoice};
use crate::domain::quiet::QuietHours;
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, Result as Outcome, time};
use perennial_proto::notification::v1 as proto;
use perennial_proto::notification::v1::preference_service_server::PreferenceService;
use perennial_proto::notification::v1::{
    GetPreferencesRequest, GetPreferencesResponse, SetPreferencesRequest, SetPreferencesResponse,
    UnsubscribeRequest, UnsubscribeResponse,
};
use std::collections::HashSet;
use tonic::{Request, Response, Status};

pub(super) struct Service {
    pub(super) app: App,
}

#[tonic::async_trait]
impl PreferenceService for Service {
    async fn get_preferences(
        &self,
        request: Request<GetPreferencesRequest>,
    ) -> Result<Response<GetPreferencesResponse>, Status> {
        let user_id = request.into_inner().user_id;
        let preferences = Some(shown(self.app.preferences(&user_id).await?, user_id));
        Ok(Response::new(GetPreferencesResponse { preferences }))
    }

    async fn set_preferences(
        &self,
        request: Request<SetPreferencesRequest>,
    ) -> Result<Response<SetPreferencesResponse>, Status> {
        let request = request.into_inner();
        let method = "notification.SetPreferences";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let change = change(&request)?;
        let user_id = request.user_id;
        let replayed = self.app.set_preferences(&user_id, change, key).await?.replayed;
        let preferences = Some(shown(self.app.preferences(&user_id).await?, user_id));
        Ok(Response::new(SetPreferencesResponse { preferences, replayed }))
    }

    async fn unsubscribe(
        &self,
        request: Request<UnsubscribeRequest>,
    ) -> Result<Response<UnsubscribeResponse>, Status> {
        let request = request.into_inner();
        let method = "notification.Unsubscribe";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let replayed = self.app.unsubscribe(&request.token, key).await?.replayed;
        Ok(Response::new(UnsubscribeResponse { replayed }))
    }
}

const ALL: [&str; 3] = ["choices", "quiet_hours", "time_zone"];

/// What a request asks to change, by its mask.
fn change(request: &SetPreferencesRequest) -> Outcome<PreferenceChange> {
    let wanted = request.preferences.clone().unwrap_or_default();
    let paths = request.update_mask.as_ref().map_or(&[][..], |mask| &mask.paths);
    let replace = paths == ["*"];
    if let Some(path) = paths.iter().find(|path| !replace && !ALL.contains(&path.as_str())) {
        return Err(Error::invalid("update_mask", format!("has an unknown path {path}")));
    }
    let set =
        [!wanted.choices.is_empty(), wanted.quiet_hours.is_some(), !wanted.time_zone.is_empty()];
    let named = |n: usize| {
        if paths.is_empty() { set[n] } else { replace || paths.iter().any(|p| p == ALL[n]) }
    };
    Ok(PreferenceChange {
        choices: named(0).then(|| choices(&wanted.choices)).transpose()?,
        replace_choices: replace,
        quiet: named(1).then(|| quiet(wanted.quiet_hours.as_ref())).transpose()?,
        time_zone: named(2).then_some(wanted.time_zone),
    })
}

fn choices(wanted: &[proto::Choice]) -> Outcome<Vec<Choice>> {
    let mut seen = HashSet::new();
    let read = |choice: &proto::Choice| {
        if !seen.insert((choice.topic.clone(), choice.channel)) {
            let text = "must name each topic and channel once";
            return Err(Error::invalid("preferences.choices", text));
        }
        Ok(Choice {
            topic: choice.topic.clone(),
            channel: convert::channel(choice.channel),
            opted_in: choice.opted_in,
        })
    };
    wanted.iter().map(read).collect()
}

fn quiet(wanted: Option<&proto::QuietHours>) -> Outcome<QuietChoice> {
    let Some(hours) = wanted else { return Ok(QuietChoice::Default) };
    if hours.off {
        return Ok(QuietChoice::Off);
    }
    QuietHours::parse(&hours.start, &hours.end)
        .map(QuietChoice::Own)
        .map_err(|error| Error::invalid("preferences.quiet_hours", error.to_string()))
}

fn shown(preferences: Preferences, user_id: String) -> proto::Preferences {
    let settings = preferences.settings;
    let last = preferences.choices.iter().map(|dated| dated.updated_at);
    let last = last.chain(settings.iter().map(|s| s.updated_at)).max();
    let quiet_hours = settings.as_ref().and_then(|settings| match settings.quiet {
        QuietChoice::Default => None,
        QuietChoice::Off => Some(proto::QuietHours { off: true, ..Default::default() }),
        QuietChoice::Own(hours) => {
            Some(proto::QuietHours { start: hours.start_text(), end: hours.end_text(), off: false })
        }
    });
    let choice = |dated: crate::store::preferences::DatedChoice| proto::Choice {
        topic: dated.choice.topic,
        channel: dated.choice.channel.map_or(0, Channel::code).into(),
        opted_in: dated.choice.opted_in,
        update_time: Some(time::to_proto(dated.updated_at)),
    };
    proto::Preferences {
        user_id,
        choices: preferences.choices.into_iter().map(choice).collect(),
        quiet_hours,
        time_zone: settings.map(|settings| settings.time_zone).unwrap_or_default(),
        update_time: last.map(time::to_proto),
    }
}
