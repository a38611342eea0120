//! `perennial.admin.v1.ClockService`: tells the suite's time and moves it when it is simulated.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
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
const NOON: NaiveTime = match NaiveTime::from_hms_opt(12, 0, 0) {
    Some(noon) => noon,
    None => NaiveTime::MIN,
};

/// Where the clock stops on its way.
#[derive(Clone, Copy)]
enum Step {
    Every(TimeDelta),
    /// Every day at 12:00 UTC, when most users are awake: a day that ends at midnight would find
    /// all of them in their quiet hours.
    Noon,
}

impl Step {
    /// The first stop after `now`.
    fn after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Every(length) => now + length,
            Self::Noon => {
                let noon = now.date_naive().and_time(NOON).and_utc();
                if noon > now { noon } else { noon + TimeDelta::days(1) }
            }
        }
    }
}

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
        Ok(Response::new(GetTimeResponse { time, simulated: clock.is_manual() }))
    }

    async fn advance(
        &self,
        request: Request<AdvanceRequest>,
    ) -> Result<Response<AdvanceResponse>, Status> {
        let request = request.into_inner();
        let to = time::from_proto("to", &request.to.unwrap_or_default())?;
        let step = match request.step_seconds {
            0 => Step::Noon,
            seconds => Step::Every(TimeDelta::seconds(seconds)),
        };
        let process = self.0.clone();
        // A task of its own: a caller that leaves must not stop the clock between two steps.
        let moved = self.0.tasks().spawn(advance(process, to, step));
        let work_done = moved.await.map_err(Error::internal)??;
        let time = Some(time::to_proto(self.0.clock().now()));
        Ok(Response::new(AdvanceResponse { time, work_done: work_done.cast_signed() }))
    }
}

/// Moves the clock step by step, each time until no background work is left.
async fn advance(process: Process, to: DateTime<Utc>, step: Step) -> Result<u64> {
    let clock = process.clock();
    if !clock.is_manual() {
        let message = "the clock can be moved only in a suite started with a simulated clock";
        return Err(Error::precondition("CLOCK_NOT_SIMULATED", message));
    }
    // One at a time, so that the clock never goes back.
    let _moving = process.clock_moves().await;
    if to < clock.now() || to - clock.now() > FURTHEST {
        return Err(Error::invalid("to", "must lie between now and 3,660 days ahead"));
    }
    let stop = process.tasks().stopping();
    let mut done = process.workers().settle(stop).await?;
    while clock.now() < to && !stop.is_cancelled() {
        clock.set(to.min(step.after(clock.now())));
        done += process.workers().settle(stop).await?;
    }
    Ok(done)
}
