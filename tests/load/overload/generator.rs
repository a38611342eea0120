//! Callers who do not wait for each other: each call is sent at its time, whatever became of those
//! before, and is timed from that moment, so that no queue on our side hides what callers would see.

use futures::future::join_all;
use perennial_platform::time::to_proto;
use perennial_proto::identity::v1::activity_service_client::ActivityServiceClient;
use perennial_proto::identity::v1::{Activity, ActivityKind, TrackRequest};
use perennial_proto::types::v1::Money;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// What every caller gives a call. Without optimisation a slow machine answers nine calls a second,
/// and sixteen are always let in: the limit can only be found where half of this time is enough for
/// those.
pub(super) const DEADLINE: Duration =
    Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 2 });

/// Purchases in one call. Turning a call away costs something, and in an unoptimised build most of
/// that is HTTP/2; the work of a call has to be much more, as it is in an optimised one.
const PURCHASES: usize = 200;

/// Connections: so many that streams on one are never the limit.
const CONNECTIONS: usize = 16;

/// Many callers of one service.
#[derive(Debug, Clone)]
pub(super) struct Callers(Vec<ActivityServiceClient<Channel>>);

/// What became of one call.
#[derive(Debug, Clone)]
enum Outcome {
    Good,
    /// Turned away as it should be: RESOURCE_EXHAUSTED with a time to come back.
    Shed,
    Bad(Code),
}

/// What became of the calls of some seconds.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) seconds: f64,
    pub(super) good: Vec<Duration>,
    pub(super) shed: Vec<Duration>,
    pub(super) bad: BTreeMap<String, usize>,
}

impl Seen {
    pub(super) fn rate(&self) -> f64 {
        self.good.len() as f64 / self.seconds
    }

    fn add(&mut self, outcome: &Outcome, took: Duration) {
        match outcome {
            Outcome::Good if took <= DEADLINE => self.good.push(took),
            Outcome::Good => *self.bad.entry("too late".into()).or_default() += 1,
            Outcome::Shed => self.shed.push(took),
            Outcome::Bad(code) => *self.bad.entry(format!("{code:?}")).or_default() += 1,
        }
    }
}

/// The duration that this share of them did not exceed; zero for none.
pub(super) fn quantile(durations: &[Duration], share: f64) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

impl Callers {
    pub(super) fn of(port: u16) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let channel = || endpoint.clone().tcp_nodelay(true).connect_lazy();
        Self((0..CONNECTIONS).map(|_| ActivityServiceClient::new(channel())).collect())
    }

    async fn call(&self, number: usize) -> Outcome {
        let mut request = Request::new(purchases());
        request.set_timeout(DEADLINE);
        match self.0[number % CONNECTIONS].clone().track(request).await {
            Ok(answer) if answer.get_ref().refused == 0 => Outcome::Good,
            Ok(_) => Outcome::Bad(Code::FailedPrecondition),
            Err(status) if is_shed(&status) => Outcome::Shed,
            Err(status) => Outcome::Bad(status.code()),
        }
    }

    /// So many callers, each of whom calls again once it has its answer.
    pub(super) async fn closed(&self, callers: usize, time: Duration) -> Seen {
        let begin = Instant::now();
        let caller = |number| async move {
            let mut seen = Vec::new();
            while begin.elapsed() < time {
                let sent = Instant::now();
                seen.push((self.call(number).await, sent.elapsed()));
            }
            seen
        };
        let all = join_all((0..callers).map(caller)).await;
        let mut seen = Seen { seconds: begin.elapsed().as_secs_f64(), ..Seen::default() };
        all.iter().flatten().for_each(|(outcome, took)| seen.add(outcome, *took));
        seen
    }

    /// So many calls a second. What is sent in the first `settling` is not looked at.
    pub(super) async fn open(&self, rate: f64, settling: Duration, time: Duration) -> Seen {
        let begin = Instant::now();
        let total = (rate * (settling + time).as_secs_f64()) as usize;
        let mut calls = Vec::with_capacity(total);
        for number in 0..total {
            let due = begin + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due).await;
            let callers = self.clone();
            calls.push(tokio::spawn(async move {
                let outcome = callers.call(number).await;
                (due, outcome, due.elapsed())
            }));
        }
        let mut seen = Seen { seconds: time.as_secs_f64(), ..Seen::default() };
        for call in join_all(calls).await {
            let (due, outcome, took) = call.unwrap();
            if due >= begin + settling {
                seen.add(&outcome, took);
            }
        }
        seen
    }
}

fn is_shed(status: &Status) -> bool {
    status.code() == Code::ResourceExhausted
        && status.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some())
}

/// Purchases of customers that are all new.
fn purchases() -> TrackRequest {
    let time = Some(to_proto(perennial_platform::clock::Clock::system().now()));
    let activity = || Activity {
        user_id: Uuid::new_v4().to_string(),
        kind: ActivityKind::Purchase.into(),
        occur_time: time,
        amount: Some(Money { currency: "CNY".into(), minor_units: 10_000 }),
        source: "overload".into(),
        source_event_id: Uuid::new_v4().to_string(),
        ..Activity::default()
    };
    TrackRequest {
        activities: std::iter::repeat_with(activity).take(PURCHASES).collect(),
        request_id: Uuid::new_v4().to_string(),
    }
}
