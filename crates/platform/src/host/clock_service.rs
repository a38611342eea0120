//! `perennial.admin.v1.ClockService`: tells the suite's time and moves it when it is simulated.

use chrono::{DateTime, TimeDelta, Utc};
use perennial_proto::admin::v1::clock_service_server::ClockService;
use perennial_proto::admin::v1::{
    AdvanceRequest, AdvanceResponse, GetTimeRequest, GetTimeResponse,
};
use tonic::{Request, Response, Status};

use crate::error::{Error, Result};
use crate::process::Process;
use crate::time;

/// How far one call may move the clock.
const FURTHEST: TimeDelta = TimeDelta::days(3_660);
const DAY_SECONDS: i64 = 86_400;

/// Serves the clock of the process.
pub(super) struct ClockServer(pub(super) Process);

#[tonic::async_trait]
impl ClockService for ClockServer {
    async fn get_time(
        &self,
        _: Request<GetTimeRequest>,
    ) -> Result<Response<GetTimeResponse>, Status> {
        let clock = self.0.clock();
        let time = Some(time::to_proto(clock.now()));
        Ok(Response::new(GetTimeResponse {
            time,
            simulated: clock.is_manual(),
        }))
    }

    async fn advance(
        &self,
        request: Request<AdvanceRequest>,
    ) -> Result<Response<AdvanceResponse>, Status> {
        let request = request.into_inner();
        let to = time::from_proto("to", &request.to.unwrap_or_default())?;
        let seconds = if request.step_seconds == 0 {
            DAY_SECONDS
        } else {
            request.step_seconds
        };
        let process = self.0.clone();
        // A task of its own: a caller that leaves must not stop the clock between two steps.
        let moved = self
            .0
            .tasks()
            .spawn(advance(process, to, TimeDelta::seconds(seconds)));
        let work_done = moved.await.map_err(Error::internal)??;
        let time = Some(time::to_proto(self.0.clock().now()));
        Ok(Response::new(AdvanceResponse {
            time,
            work_done: work_done.cast_signed(),
        }))
    }
}

/// Moves the clock step by step, each time until no background work is left.
async fn advance(process: Process, to: DateTime<Utc>, step: TimeDelta) -> Result<u64> {
    let clock = process.clock();
    if !clock.is_manual() {
        let message = "the clock can be moved only in a suite started with a simulated clock";
        return Err(Error::precondition("CLOCK_NOT_SIMULATED", message));
    }
    // One at a time, so that the clock never goes back.
    let _moving = process.clock_moves().await;
    if to < clock.now() || to - clock.now() > FURTHEST {
        return Err(Error::invalid(
            "to",
            "must lie between now and 3,660 days ahead",
        ));
    }
    let stop = process.tasks().stopping();
    let mut done = process.workers().settle(stop).await?;
    while clock.now() < to && !stop.is_cancelled() {
        clock.set(to.min(clock.now() + step));
        done += process.workers().settle(stop).await?;
    }
    Ok(done)
}
