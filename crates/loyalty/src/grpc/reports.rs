//! ReportService.

use crate::app::App;
use perennial_platform::time;
use perennial_proto::loyalty::v1::report_service_server::ReportService;
use perennial_proto::loyalty::v1::{
    CountTiersRequest, CountTiersResponse, GetLiabilityRequest, GetLiabilityResponse, TierCount,
};
use tonic::{Request, Response, Status};

/// Figures over the whole programme.
pub(crate) struct Reports {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl ReportService for Reports {
    async fn get_liability(
        &self,
        _request: Request<GetLiabilityRequest>,
    ) -> Result<Response<GetLiabilityResponse>, Status> {
        let owed = self.app.liability().await?;
        Ok(Response::new(GetLiabilityResponse {
            issued: owed.sums.issued,
            redeemed: owed.sums.redeemed,
            expired: owed.sums.expired,
            reversed: owed.sums.reversed,
            outstanding: owed.sums.available,
            pending: owed.sums.escrow,
            debt: owed.sums.debt,
            held: owed.sums.held,
            overdue: owed.overdue,
            members: i64::try_from(owed.members).unwrap_or(i64::MAX),
            entries: owed.entries,
            as_of: Some(time::to_proto(owed.now)),
        }))
    }

    async fn count_tiers(
        &self,
        _request: Request<CountTiersRequest>,
    ) -> Result<Response<CountTiersResponse>, Status> {
        let counts = self.app.tier_counts().await?;
        let count = |(tier, members): (crate::domain::Tier, i64)| TierCount {
            tier: i32::from(tier.number()),
            members,
        };
        Ok(Response::new(CountTiersResponse { tiers: counts.into_iter().map(count).collect() }))
    }
}
