//! CharityService.

use crate::app::App;
use crate::store::charity::Sums;
use perennial_platform::idempotency::Key;
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::charity_service_server::CharityService;
use tonic::{Request, Response, Status};

/// What is set aside for charity.
pub(crate) struct Charity {
    pub(crate) app: App,
}

fn month(sums: Sums) -> proto::CharityMonth {
    proto::CharityMonth {
        month: sums.group,
        currency: sums.currency,
        set_aside: sums.set_aside,
        taken_back: sums.taken_back,
        net: sums.set_aside - sums.taken_back,
        purchases: sums.purchases,
        points: sums.points,
    }
}

fn contribution(sums: Sums) -> proto::CharityContribution {
    proto::CharityContribution {
        project: sums.group,
        currency: sums.currency,
        net: sums.set_aside - sums.taken_back,
        purchases: sums.purchases,
        points: sums.points,
    }
}

#[tonic::async_trait]
impl CharityService for Charity {
    async fn get_report(
        &self,
        request: Request<proto::GetReportRequest>,
    ) -> Result<Response<proto::GetReportResponse>, Status> {
        let request = request.into_inner();
        let range = (request.from_date.as_str(), request.to_date.as_str());
        let filter = format!("charity {} {} {}", request.project, range.0, range.1);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<String>(request.page_size, &request.page_token, &filter)?;
        let (sums, next) = self.app.charity_report(&request.project, range, after, size).await?;
        Ok(Response::new(proto::GetReportResponse {
            months: sums.into_iter().map(month).collect(),
            next_page_token: next.map_or(String::new(), |next| pages.token(&filter, &next)),
        }))
    }

    async fn get_contribution(
        &self,
        request: Request<proto::GetContributionRequest>,
    ) -> Result<Response<proto::GetContributionResponse>, Status> {
        let sums = self.app.contribution(&request.get_ref().user_id).await?;
        let contributions = sums.into_iter().map(contribution).collect();
        Ok(Response::new(proto::GetContributionResponse { contributions }))
    }

    async fn donate_points(
        &self,
        request: Request<proto::DonatePointsRequest>,
    ) -> Result<Response<proto::DonatePointsResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CharityService/DonatePoints";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let (user, project) = (&request.user_id, &request.project);
        let reply = self.app.donate(key, user, project, request.points).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::DonatePointsResponse { replayed, ..reply.value }))
    }
}
