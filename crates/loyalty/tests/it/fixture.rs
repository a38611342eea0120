//! A running service and the calls that tests make.

use chrono::{DateTime, TimeDelta, Utc};
use perennial_loyalty::{Config, check, mount};
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use perennial_platform::events::Peer;
use perennial_platform::host::Host;
use perennial_platform::{Result, time};
use perennial_proto::identity::v1::{ActivityKind, ActivityRecorded, UserErased};
use perennial_proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_proto::loyalty::v1::referral_service_client::ReferralServiceClient;
use perennial_proto::loyalty::v1::report_service_client::ReportServiceClient;
use perennial_proto::loyalty::v1::tier_service_client::TierServiceClient;
use perennial_proto::loyalty::v1::{
    Balance, EarnRequest, Entry, GetBalanceRequest, GetTierRequest, GetTierResponse, ReferRequest,
    SpendRequest,
};
use perennial_proto::types::v1::Money;
use perennial_testkit::Suite;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Shared by the replicas of a deployment: 64 hexadecimal digits.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

pub(crate) async fn suite<M>(mount: M) -> Suite
where
    M: AsyncFnOnce(&mut Host, DatabaseConfig) -> Result<()>,
{
    Suite::builder(Peer::Loyalty)
        .settings(|platform| platform.master_key = Some(MASTER_KEY.to_owned().into()))
        .start(mount)
        .await
}

/// The service under test.
pub(crate) struct Service {
    pub(crate) suite: Suite,
    pub(crate) config: Config,
}

impl Service {
    /// With the shipped settings, but for warnings: here is no notification that hands them over.
    pub(crate) async fn start() -> Self {
        Self::with(Config { require_expiry_warning: false, ..Config::default() }).await
    }

    pub(crate) async fn with(mut config: Config) -> Self {
        let settings = config.clone();
        let mut kept = DatabaseConfig::default();
        let suite = suite(async |host, database| {
            kept = database.clone();
            mount(Config { database, ..settings }, host).await
        })
        .await;
        config.database = kept;
        Self { suite, config }
    }

    /// A second process on the same database.
    pub(crate) async fn replica(&self) -> Self {
        self.configured(self.config.clone()).await
    }

    /// The same, with other settings.
    pub(crate) async fn configured(&self, config: Config) -> Self {
        let config = Config { database: self.config.database.clone(), ..config };
        let suite = suite(async |host, _| mount(config.clone(), host).await).await;
        Self { suite, config }
    }

    /// The service's database, beside the service.
    pub(crate) async fn database(&self) -> Db {
        Db::open("loyalty", &self.config.database, self.suite.data()).await.unwrap()
    }

    /// What the operator's check finds.
    pub(crate) async fn check(&self) -> Vec<String> {
        let db = self.database().await;
        let found = check(&db, &self.config).await.unwrap();
        db.close().await;
        found
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.suite.clock.now()
    }

    pub(crate) fn wait_days(&self, days: i64) {
        self.suite.clock.advance(TimeDelta::days(days));
    }

    pub(crate) fn points(&self) -> PointsServiceClient<Channel> {
        PointsServiceClient::new(self.suite.channel())
    }

    pub(crate) fn tiers(&self) -> TierServiceClient<Channel> {
        TierServiceClient::new(self.suite.channel())
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.suite.channel())
    }

    pub(crate) async fn earn(&self, user: &str, points: i64) -> Entry {
        let request = EarnRequest { user_id: user.to_owned(), points, ..Default::default() };
        self.points().earn(request).await.unwrap().into_inner().entry.unwrap()
    }

    pub(crate) async fn spend(&self, user: &str, points: i64) -> Result<Entry, Status> {
        let request = SpendRequest { user_id: user.to_owned(), points, ..Default::default() };
        Ok(self.points().spend(request).await?.into_inner().entry.unwrap())
    }

    pub(crate) async fn balance(&self, user: &str) -> Balance {
        let request = GetBalanceRequest { user_id: user.to_owned() };
        self.points().get_balance(request).await.unwrap().into_inner().balance.unwrap()
    }

    pub(crate) async fn tier(&self, user: &str) -> GetTierResponse {
        let request = GetTierRequest { user_id: user.to_owned() };
        self.tiers().get_tier(request).await.unwrap().into_inner()
    }

    /// Identity tells that a user did something now.
    pub(crate) fn tell(&self, user: &str, kind: ActivityKind, event: &str, order: &str, paid: i64) {
        let amount = Money { currency: "CNY".to_owned(), minor_units: paid };
        self.tell_paid(user, kind, event, order, (paid != 0).then_some(amount));
    }

    pub(crate) fn tell_paid(
        &self,
        user: &str,
        kind: ActivityKind,
        event: &str,
        order: &str,
        amount: Option<Money>,
    ) {
        self.tell_late(self.now(), user, kind, (event, order), amount);
    }

    /// Identity tells now of what a user did before.
    pub(crate) fn tell_late(
        &self,
        at: DateTime<Utc>,
        user: &str,
        kind: ActivityKind,
        (event, order): (&str, &str),
        amount: Option<Money>,
    ) {
        let activity = ActivityRecorded {
            user_id: user.to_owned(),
            activity_id: format!("act_{event}"),
            kind: kind.into(),
            occur_time: Some(time::to_proto(at)),
            amount,
            source: "shop".to_owned(),
            source_event_id: event.to_owned(),
            object: order.to_owned(),
            duration: None,
        };
        self.suite.log(Peer::Identity).append(self.now(), user, &activity);
    }

    /// A member brings a friend, who buys now what counts when it can no longer be returned.
    pub(crate) async fn brings(&self, advocate: &str, friend: &str) {
        let request = ReferRequest {
            advocate_user_id: advocate.to_owned(),
            friend_user_id: friend.to_owned(),
            ..Default::default()
        };
        ReferralServiceClient::new(self.suite.channel()).refer(request).await.unwrap();
        let (event, order) = (format!("p-{friend}"), format!("o-{friend}"));
        self.tell(friend, ActivityKind::Purchase, &event, &order, 10_000);
        self.suite.settle().await;
    }

    /// Identity tells that somebody was erased.
    pub(crate) async fn erase(&self, user: &str) {
        let erased = UserErased { user_id: user.to_owned() };
        self.suite.log(Peer::Identity).append(self.now(), user, &erased);
        self.suite.settle().await;
    }

    /// The operator's check finds nothing, before and after all background work.
    pub(crate) async fn assert_sound(&self) {
        assert_eq!(self.check().await, Vec::<String>::new());
        self.suite.settle().await;
        assert_eq!(self.check().await, Vec::<String>::new());
    }
}

/// The code and the stable reason of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}

/// The fields that a refusal names.
pub(crate) fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let bad = status.get_details_bad_request().unwrap();
    bad.field_violations.into_iter().map(|violation| violation.field).collect()
}
