//! A running identity service and short ways to say things to it.

use chrono::{DateTime, TimeDelta, Utc};
use perennial_identity::domain::money::Currency;
use perennial_identity::{Config, check, mount};
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use perennial_platform::events::Peer;
use perennial_platform::time;
use perennial_proto::identity::v1::activity_service_client::ActivityServiceClient;
use perennial_proto::identity::v1::insight_service_client::InsightServiceClient;
use perennial_proto::identity::v1::profile_service_client::ProfileServiceClient;
use perennial_proto::identity::v1::segment_service_client::SegmentServiceClient;
use perennial_proto::identity::v1::{
    Activity, ActivityKind, GetMembershipRequest, Profile, TrackRequest, TrackResponse,
    UpsertProfileRequest, UpsertProfileResponse,
};
use perennial_proto::types::v1::Money;
use perennial_testkit::Suite;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// 32 bytes in hexadecimal digits.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// A running service.
pub(crate) struct World {
    pub(crate) suite: Suite,
    database: DatabaseConfig,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::on(None).await
    }

    /// Another replica of the service on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::on(Some(self.database.clone())).await
    }

    async fn on(shared: Option<DatabaseConfig>) -> Self {
        let mut kept = DatabaseConfig::default();
        let suite = Suite::builder(Peer::Identity)
            // Replicas open each other's users' keys.
            .settings(|platform| platform.master_key = Some(MASTER_KEY.to_owned().into()))
            .start(async |host, fresh| {
                let database = shared.unwrap_or(fresh);
                kept = database.clone();
                mount(Config { database, ..settings() }, host).await
            })
            .await;
        Self { suite, database: kept }
    }

    pub(crate) fn profiles(&self) -> ProfileServiceClient<Channel> {
        ProfileServiceClient::new(self.suite.channel())
    }

    pub(crate) fn activities(&self) -> ActivityServiceClient<Channel> {
        ActivityServiceClient::new(self.suite.channel())
    }

    pub(crate) fn segments(&self) -> SegmentServiceClient<Channel> {
        SegmentServiceClient::new(self.suite.channel())
    }

    pub(crate) fn insights(&self) -> InsightServiceClient<Channel> {
        InsightServiceClient::new(self.suite.channel())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.suite.clock.now()
    }

    pub(crate) fn days_ago(&self, days: i64) -> DateTime<Utc> {
        self.now() - TimeDelta::days(days)
    }

    pub(crate) async fn track(&self, activities: Vec<Activity>) -> TrackResponse {
        let request = TrackRequest { activities, request_id: String::new() };
        self.activities().track(request).await.unwrap().into_inner()
    }

    pub(crate) async fn upsert(&self, profile: Profile) -> UpsertProfileResponse {
        let request = UpsertProfileRequest { profile: Some(profile), ..Default::default() };
        self.profiles().upsert_profile(request).await.unwrap().into_inner()
    }

    /// Keys of the segments the user is in, as evaluated now.
    pub(crate) async fn segments_of(&self, user_id: &str) -> Vec<String> {
        let request = GetMembershipRequest { user_id: user_id.to_owned() };
        let answer = self.segments().get_membership(request).await.unwrap().into_inner();
        let members = answer.segments.into_iter().filter(|finding| finding.member);
        members.map(|finding| finding.segment).collect()
    }

    /// The service's database, beside its own connections.
    pub(crate) async fn db(&self) -> Db {
        Db::open("identity", &self.database, self.suite.data()).await.unwrap()
    }

    /// Path of the database file, where it is one.
    pub(crate) fn sqlite_file(&self) -> Option<String> {
        self.database.url.strip_prefix("sqlite://").map(str::to_owned)
    }

    /// What `perennial check` would say.
    pub(crate) async fn violations(&self) -> Vec<String> {
        check(&settings(), &self.db().await, self.now()).await.unwrap()
    }
}

/// An activity of system "test"; sessions last an hour, payments are 50 dollars.
pub(crate) fn activity(user_id: &str, kind: ActivityKind, at: DateTime<Utc>, id: &str) -> Activity {
    let payment = matches!(kind, ActivityKind::Purchase | ActivityKind::Refund);
    let hour = prost_types::Duration { seconds: 3_600, nanos: 0 };
    Activity {
        user_id: user_id.to_owned(),
        kind: kind.into(),
        occur_time: Some(time::to_proto(at)),
        source: "test".to_owned(),
        source_event_id: id.to_owned(),
        amount: payment.then(|| dollars(5_000)),
        duration: (kind == ActivityKind::Session).then_some(hour),
        ..Activity::default()
    }
}

pub(crate) fn dollars(cents: i64) -> Money {
    Money { currency: "USD".to_owned(), minor_units: cents }
}

pub(crate) fn profile(user_id: &str) -> Profile {
    Profile { user_id: user_id.to_owned(), ..Profile::default() }
}

/// The code and the reason of a refusal.
pub(crate) fn refusal(status: &Status) -> (Code, String) {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}

/// The fields named in an INVALID_ARGUMENT.
pub(crate) fn bad_fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|request| request.field_violations);
    violations.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}

/// Round figures: days end at 00:00 UTC, amounts are dollars.
fn settings() -> Config {
    Config { calendar_zone: "UTC".to_owned(), home_currency: Currency::USD, ..Config::default() }
}
