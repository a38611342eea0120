//! InsightService.

use super::show;
use crate::app::App;
use perennial_platform::time;
use perennial_proto::feedback::v1::insight_service_server::InsightService;
use perennial_proto::feedback::v1::{
    GetServiceLevelsRequest, GetServiceLevelsResponse, GetWeeklyReportRequest,
    GetWeeklyReportResponse,
};
use tonic::{Request, Response, Status};

/// InsightService over the use cases.
pub(crate) struct Insight(pub(crate) App);

#[tonic::async_trait]
impl InsightService for Insight {
    async fn get_service_levels(
        &self,
        request: Request<GetServiceLevelsRequest>,
    ) -> Result<Response<GetServiceLevelsResponse>, Status> {
        let request = request.get_ref();
        let from = request.start_time.as_ref().map(|t| time::from_proto("start_time", t));
        let to = request.end_time.as_ref().map(|t| time::from_proto("end_time", t));
        let levels = self.0.service_levels(from.transpose()?, to.transpose()?).await?;
        Ok(Response::new(show::service_levels(levels)))
    }

    async fn get_weekly_report(
        &self,
        request: Request<GetWeeklyReportRequest>,
    ) -> Result<Response<GetWeeklyReportResponse>, Status> {
        let report = self.0.weekly_report(&request.get_ref().week).await?;
        let report = Some(show::weekly_report(report));
        Ok(Response::new(GetWeeklyReportResponse { report }))
    }
}
