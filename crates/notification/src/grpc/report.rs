//! ReportService.

use super::convert;
use crate::app::App;
use crate::domain::kinds::State;
use crate::store::reports::Outcome;
use perennial_proto::notification::v1::report_service_server::ReportService;
use perennial_proto::notification::v1::{
    GetDeliveryReportRequest, GetDeliveryReportResponse, OutcomeCount,
};
use tonic::{Request, Response, Status};

pub(super) struct Service {
    pub(super) app: App,
}

#[tonic::async_trait]
impl ReportService for Service {
    async fn get_delivery_report(
        &self,
        request: Request<GetDeliveryReportRequest>,
    ) -> Result<Response<GetDeliveryReportResponse>, Status> {
        let request = request.into_inner();
        let from = convert::optional_time("start_time", request.start_time.as_ref())?;
        let to = convert::optional_time("end_time", request.end_time.as_ref())?;
        Ok(Response::new(report(self.app.outcomes(from, to).await?)))
    }
}

fn report(outcomes: Vec<Outcome>) -> GetDeliveryReportResponse {
    let sum = |wanted: &dyn Fn(&Outcome) -> bool| -> i64 {
        outcomes.iter().filter(|o| wanted(o)).map(|o| o.count).sum()
    };
    let of = |state: State| sum(&|o| o.state == state.code());
    let pending =
        [State::Scheduled, State::Claimed, State::Unknown, State::Failed].map(State::code);
    GetDeliveryReportResponse {
        total_count: sum(&|_| true),
        sent_count: of(State::Sent),
        held_count: of(State::Held),
        ever_held_count: sum(&|o| !o.held_for.is_empty()),
        dropped_count: of(State::Dropped),
        dead_count: of(State::Dead),
        cancelled_count: of(State::Cancelled),
        pending_count: sum(&|o| pending.contains(&o.state)),
        outcomes: outcomes.into_iter().map(shown).collect(),
    }
}

fn shown(outcome: Outcome) -> OutcomeCount {
    OutcomeCount {
        template: outcome.template,
        channel: outcome.channel.into(),
        state: outcome.state.into(),
        reason: outcome.reason,
        held_for: outcome.held_for,
        count: outcome.count,
    }
}
