//! `ActivityService`.

use super::convert::activity::{from_recorded, to_activities, to_kinds, to_time};
use super::cut;
use crate::app::{Identity, Recorder};
use chrono::{DateTime, Utc};
use perennial_platform::commit::Committer;
use perennial_platform::idempotency::{Key, Reply};
use perennial_platform::{Error, Result};
use perennial_proto::identity::v1::activity_service_server::ActivityService;
use perennial_proto::identity::v1::{
    Activity, ListActivitiesRequest, ListActivitiesResponse, TrackRefusal, TrackRequest,
    TrackResponse, TrackStreamRequest, TrackStreamResponse, TrackVerdict,
};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

/// Serves activities.
#[derive(Debug)]
pub struct ActivityApi {
    /// The use cases.
    pub identity: Identity,
    /// The line that makes batches durable.
    pub tracker: Committer<Recorder>,
}

/// Refusals of a stream that are listed one by one.
const LISTED: usize = 100;

#[tonic::async_trait]
impl ActivityService for ActivityApi {
    async fn track(
        &self,
        request: Request<TrackRequest>,
    ) -> Result<Response<TrackResponse>, Status> {
        let request = request.into_inner();
        let vault = &self.identity.vault;
        let key = Key::of("identity.Track", &request.request_id, &request, vault);
        let reply = self.record(key, request.activities).await?;
        Ok(Response::new(TrackResponse { replayed: reply.replayed, ..reply.value }))
    }

    async fn track_stream(
        &self,
        request: Request<Streaming<TrackStreamRequest>>,
    ) -> Result<Response<TrackStreamResponse>, Status> {
        let mut stream = request.into_inner();
        let (mut total, mut sent) =
            (TrackStreamResponse { replayed: true, ..Default::default() }, 0);
        while let Some(batch) = stream.message().await? {
            let vault = &self.identity.vault;
            let key = Key::of("identity.TrackStream", &batch.request_id, &batch, vault);
            let reply = self.record(key, batch.activities).await?;
            add(&mut total, &mut sent, &reply);
        }
        total.replayed &= sent > 0;
        Ok(Response::new(total))
    }

    async fn list_activities(
        &self,
        request: Request<ListActivitiesRequest>,
    ) -> Result<Response<ListActivitiesResponse>, Status> {
        let request = request.into_inner();
        let window = (
            to_time("start_time", request.start_time.as_ref())?,
            to_time("end_time", request.end_time.as_ref())?,
        );
        if let (Some(start), Some(end)) = window
            && end < start
        {
            Err(Error::invalid("end_time", "must not be before start_time"))?;
        }
        let kinds = to_kinds(&request.kinds);
        let shown = format!("activities/{}/{window:?}/{kinds:?}", request.user_id);
        let pages = &self.identity.pages;
        let (size, after) =
            pages.open::<(DateTime<Utc>, Uuid)>(request.page_size, &request.page_token, &shown)?;
        let user_id = &request.user_id;
        let rows = self.identity.activities(user_id, window, kinds, after, size + 1).await?;
        let (rows, last) = cut(rows, size, |row| (row.activity.occur_time, row.id));
        Ok(Response::new(ListActivitiesResponse {
            activities: rows.into_iter().map(from_recorded).collect(),
            next_page_token: last.map(|key| pages.token(&shown, &key)).unwrap_or_default(),
        }))
    }
}

impl ActivityApi {
    async fn record(
        &self,
        key: Option<Key>,
        activities: Vec<Activity>,
    ) -> Result<Reply<TrackResponse>> {
        self.tracker.submit(key, to_activities(activities)?.into()).await
    }
}

/// Adds a batch's answer to that of the stream; `sent` counts activities so far.
fn add(total: &mut TrackStreamResponse, sent: &mut i64, reply: &Reply<TrackResponse>) {
    let answer = &reply.value;
    total.recorded += i64::from(answer.recorded);
    total.duplicates += i64::from(answer.duplicates);
    total.refused += i64::from(answer.refused);
    total.replayed &= reply.replayed;
    for (index, result) in (*sent..).zip(&answer.results) {
        if result.verdict() == TrackVerdict::Refused && total.refusals.len() < LISTED {
            total.refusals.push(TrackRefusal {
                index,
                activity_id: result.activity_id.clone(),
                reason: result.reason.clone(),
            });
        }
    }
    *sent += i64::try_from(answer.results.len()).unwrap_or(i64::MAX);
}
