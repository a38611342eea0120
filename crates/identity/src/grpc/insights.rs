//! `InsightService`.

use super::convert::insight::{
    from_buyer, from_metrics, from_observations, from_scores, from_signal, from_table, to_currency,
};
use super::cut;
use crate::app::Identity;
use crate::domain::risk::Grade;
use chrono::TimeDelta;
use perennial_platform::{Error, time};
use perennial_proto::identity::v1::insight_service_server::InsightService;
use perennial_proto::identity::v1::{
    GetChurnRiskRequest, GetChurnRiskResponse, GetMetricsRequest, GetMetricsResponse,
    GetRfmRequest, GetRfmResponse, GetStageRequest, GetStageResponse, GradedUser,
    ListChurnRisksRequest, ListChurnRisksResponse, ListRfmRequest, ListRfmResponse, RfmScores,
};
use tonic::{Request, Response, Status};

/// Serves insights.
#[derive(Debug)]
pub struct InsightApi(pub Identity);

#[tonic::async_trait]
impl InsightService for InsightApi {
    async fn get_rfm(
        &self,
        request: Request<GetRfmRequest>,
    ) -> Result<Response<GetRfmResponse>, Status> {
        let request = request.into_inner();
        let currency = to_currency(&request.currency, self.0.home_currency)?;
        let (buyer, population) = self.0.rfm(&request.user_id, currency).await?;
        let scores = buyer.map(|buyer| from_scores(population.table.score(&buyer)));
        let response = buyer.map(|buyer| from_buyer(&buyer, currency)).unwrap_or_default();
        Ok(Response::new(GetRfmResponse {
            user_id: request.user_id,
            scores: Some(scores.unwrap_or(RfmScores::default())),
            buyers: population.table.buyers,
            evaluate_time: Some(time::to_proto(population.time)),
            ..response
        }))
    }

    async fn list_rfm(
        &self,
        request: Request<ListRfmRequest>,
    ) -> Result<Response<ListRfmResponse>, Status> {
        let currency = to_currency(&request.into_inner().currency, self.0.home_currency)?;
        let population = self.0.population(currency).await?;
        Ok(Response::new(from_table(&population.table, currency, population.time)))
    }

    async fn get_churn_risk(
        &self,
        request: Request<GetChurnRiskRequest>,
    ) -> Result<Response<GetChurnRiskResponse>, Status> {
        let user_id = request.into_inner().user_id;
        let live = self.0.live(&user_id).await?;
        let silence = (live.time - live.standing.silent_since()).max(TimeDelta::zero());
        Ok(Response::new(GetChurnRiskResponse {
            user_id,
            grade: live.evaluation.verdict.grade as i32,
            points: live.evaluation.points,
            signals: live.evaluation.signals.into_iter().map(from_signal).collect(),
            silence: Some(time::duration_to_proto(silence)),
            evaluate_time: Some(time::to_proto(live.time)),
            next_change_time: live.next_change.map(time::to_proto),
        }))
    }

    async fn list_churn_risks(
        &self,
        request: Request<ListChurnRisksRequest>,
    ) -> Result<Response<ListChurnRisksResponse>, Status> {
        let request = request.into_inner();
        let grade = Grade::from_code(request.grade)
            .ok_or_else(|| Error::invalid("grade", "has no value with this number"))?;
        let shown = format!("grade/{}", request.grade);
        let pages = &self.0.pages;
        let (size, after) = pages.open::<String>(request.page_size, &request.page_token, &shown)?;
        let rows = self.0.graded(grade, after.as_deref(), size + 1).await?;
        let (rows, last) = cut(rows, size, |user| user.user_id.clone());
        let users = rows.into_iter().map(|user| GradedUser {
            user_id: user.user_id,
            grade: user.grade as i32,
            signals: user.signals.iter().map(|signal| signal as i32).collect(),
        });
        Ok(Response::new(ListChurnRisksResponse {
            users: users.collect(),
            next_page_token: last.map(|key| pages.token(&shown, &key)).unwrap_or_default(),
        }))
    }

    async fn get_stage(
        &self,
        request: Request<GetStageRequest>,
    ) -> Result<Response<GetStageResponse>, Status> {
        let user_id = request.into_inner().user_id;
        let live = self.0.live(&user_id).await?;
        Ok(Response::new(GetStageResponse {
            user_id,
            stage: live.evaluation.verdict.stage as i32,
            observations: from_observations(live.evaluation.stages.into()),
        }))
    }

    async fn get_metrics(
        &self,
        request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let request = request.into_inner();
        let bound = |field, time: Option<prost_types::Timestamp>| {
            time.map(|time| time::from_proto(field, &time)).transpose()
        };
        let start = bound("cohort_start_time", request.cohort_start_time)?;
        let end = bound("cohort_end_time", request.cohort_end_time)?;
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            Err(Error::invalid("cohort_end_time", "must not be before cohort_start_time"))?;
        }
        Ok(Response::new(from_metrics(self.0.metrics((start, end)).await?)))
    }
}
