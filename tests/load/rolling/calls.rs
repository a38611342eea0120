//! What back ends ask of the suite, as bytes that any client can send.

use perennial_platform::clock::Clock;
use perennial_platform::time::to_proto;
use perennial_proto::feedback::v1::{Channel, SubmitFeedbackRequest};
use perennial_proto::identity::v1::{
    Activity, ActivityKind, Profile, TrackRequest, UpsertProfileRequest,
};
use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_proto::notification::v1::ListMessagesRequest;
use perennial_proto::types::v1::Money;
use uuid::Uuid;

/// One call, to be sent once.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Place of the service in `perennial_tests::running::SERVICES`.
    pub(super) service: usize,
    pub(super) path: &'static str,
    pub(super) request: Vec<u8>,
}

/// Users that the calls are about.
const USERS: usize = 5_000;

/// The call of this number. Of twenty, as in a shop: twelve look (balance, inbox), four tell of
/// a visit, and a purchase, an earning, a profile and a complaint are one each.
pub(super) fn call(number: usize) -> Call {
    let user_id = format!("user-{}", number % USERS);
    let request_id = Uuid::new_v4().to_string();
    // Shifted with each round over the users, or each user would do one thing only.
    match (number + number / USERS) % 20 {
        0..8 => {
            let request = GetBalanceRequest { user_id };
            call_to(2, "/perennial.loyalty.v1.PointsService/GetBalance", &request)
        }
        8..12 => {
            let request = ListMessagesRequest { user_id, ..ListMessagesRequest::default() };
            call_to(3, "/perennial.notification.v1.InboxService/ListMessages", &request)
        }
        12..16 => track(user_id, request_id, ActivityKind::Login),
        16 => track(user_id, request_id, ActivityKind::Purchase),
        17 => {
            let request = EarnRequest {
                user_id,
                points: 1,
                reason: "rolling".into(),
                request_id,
                ..EarnRequest::default()
            };
            call_to(2, "/perennial.loyalty.v1.PointsService/Earn", &request)
        }
        18 => {
            let profile = Profile { user_id, display_name: "Ada".into(), ..Profile::default() };
            let request = UpsertProfileRequest {
                profile: Some(profile),
                request_id,
                ..UpsertProfileRequest::default()
            };
            call_to(0, "/perennial.identity.v1.ProfileService/UpsertProfile", &request)
        }
        _ => {
            let request = SubmitFeedbackRequest {
                user_id,
                channel: Channel::Form.into(),
                text: "the second parcel is late as well".into(),
                request_id,
                ..SubmitFeedbackRequest::default()
            };
            call_to(1, "/perennial.feedback.v1.FeedbackService/SubmitFeedback", &request)
        }
    }
}

fn call_to(service: usize, path: &'static str, request: &impl prost::Message) -> Call {
    Call { service, path, request: request.encode_to_vec() }
}

fn track(user_id: String, request_id: String, kind: ActivityKind) -> Call {
    let amount = (kind == ActivityKind::Purchase)
        .then(|| Money { currency: "CNY".into(), minor_units: 10_000 });
    let activity = Activity {
        user_id,
        kind: kind.into(),
        occur_time: Some(to_proto(Clock::system().now())),
        amount,
        source: "rolling".into(),
        source_event_id: request_id.clone(),
        ..Activity::default()
    };
    let request = TrackRequest { activities: vec![activity], request_id };
    call_to(0, "/perennial.identity.v1.ActivityService/Track", &request)
}
