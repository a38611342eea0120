//! The suite as the commands of this binary call it: the public gRPC API, nothing else.

use anyhow::Context as _;
use perennial_proto::admin::v1::clock_service_client::ClockServiceClient;
use perennial_proto::identity::v1::activity_service_client::ActivityServiceClient;
use perennial_proto::identity::v1::insight_service_client::InsightServiceClient;
use perennial_proto::identity::v1::profile_service_client::ProfileServiceClient;
use perennial_proto::identity::v1::segment_service_client::SegmentServiceClient;
use perennial_proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_proto::loyalty::v1::report_service_client::ReportServiceClient as PointsReportClient;
use perennial_proto::notification::v1::report_service_client::ReportServiceClient as MessageReportClient;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A connection that presents the caller's token, if there is one.
pub type Caller = InterceptedService<Channel, Bearer>;

/// Adds the bearer token and a deadline to every call.
#[derive(Debug, Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

/// Longer than a call may take: the suite's own upper limit cuts it first.
const DEADLINE: Duration = Duration::from_mins(1);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.set_timeout(DEADLINE);
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Where the services are, `http://host:port` each.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Address of identity.
    pub identity: String,
    /// Address of loyalty.
    pub loyalty: String,
    /// Address of notification.
    pub notification: String,
}

/// One client for each service that the commands talk to.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the services of the contract")]
pub struct Suite {
    pub clock: ClockServiceClient<Caller>,
    pub profiles: ProfileServiceClient<Caller>,
    pub activities: ActivityServiceClient<Caller>,
    pub segments: SegmentServiceClient<Caller>,
    pub insights: InsightServiceClient<Caller>,
    pub points: PointsServiceClient<Caller>,
    pub points_reports: PointsReportClient<Caller>,
    pub message_reports: MessageReportClient<Caller>,
}

/// Connects to the services; fails when one of them does not listen.
pub async fn connect(at: &Addresses, token: Option<&str>) -> anyhow::Result<Suite> {
    let identity = caller(&at.identity, token).await?;
    let loyalty = caller(&at.loyalty, token).await?;
    let notification = caller(&at.notification, token).await?;
    Ok(Suite {
        clock: ClockServiceClient::new(identity.clone()),
        profiles: ProfileServiceClient::new(identity.clone()),
        activities: ActivityServiceClient::new(identity.clone()),
        segments: SegmentServiceClient::new(identity.clone()),
        insights: InsightServiceClient::new(identity),
        points: PointsServiceClient::new(loyalty.clone()),
        points_reports: PointsReportClient::new(loyalty),
        message_reports: MessageReportClient::new(notification),
    })
}

/// Connects to one service.
pub async fn caller(address: &str, token: Option<&str>) -> anyhow::Result<Caller> {
    let token = token
        .map(|token| format!("Bearer {token}").parse())
        .transpose()
        .context("the token holds characters that no header can carry")?;
    let channel = Endpoint::from_shared(address.to_owned())
        .with_context(|| format!("{address} is no address; expected http://host:port"))?
        .connect_timeout(Duration::from_secs(3))
        .tcp_nodelay(true)
        .connect()
        .await
        .with_context(|| format!("nothing answers at {address}; is the suite running?"))?;
    Ok(InterceptedService::new(channel, Bearer(token)))
}
