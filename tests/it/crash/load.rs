//! Callers that write, lose answers, ask again, and remember what they were told.

use perennial_platform::time::to_proto;
use perennial_proto::feedback::v1::{Channel, SubmitFeedbackRequest};
use perennial_proto::identity::v1::{Activity, ActivityKind, TrackRequest, TrackVerdict};
use perennial_proto::loyalty::v1::{EarnRequest, SpendRequest};
use perennial_proto::notification::v1::{
    DeliveryChannel, MessageClass, ScheduleNotificationRequest,
};
use perennial_proto::types::v1::Money;
use perennial_testkit::Random;
use perennial_tests::Clients;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic::{Code, Response, Status};

/// Callers at once.
const CALLERS: u64 = 16;

/// Users that each kind of write is spread over: few, so that rows are fought for.
pub(super) const USERS: usize = 25;

/// What the callers saw.
#[derive(Debug, Default)]
pub(super) struct History {
    /// By user: the ids that writes were acknowledged with.
    pub(super) entries: BTreeMap<String, Vec<String>>,
    pub(super) purchases: BTreeMap<String, Vec<String>>,
    pub(super) feedback: BTreeMap<String, Vec<String>>,
    pub(super) notifications: BTreeMap<String, Vec<String>>,
    /// By user: points earned less points spent, as acknowledged.
    pub(super) points: BTreeMap<String, i64>,
    /// Refusals by rule.
    pub(super) refused: usize,
    /// Attempts whose fate the caller did not learn: killed, down, or given up on.
    pub(super) unanswered: usize,
    /// Calls repeated after they were acknowledged.
    pub(super) repeats: usize,
    /// What is wrong.
    pub(super) findings: Vec<String>,
}

impl History {
    pub(super) fn acknowledged(&self) -> usize {
        let kinds = [&self.entries, &self.purchases, &self.feedback, &self.notifications];
        kinds.into_iter().flat_map(BTreeMap::values).map(Vec::len).sum()
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "{} writes acknowledged, {} refused, {} attempts without an answer, {} repeats",
            self.acknowledged(),
            self.refused,
            self.unanswered,
            self.repeats
        )
    }

    fn add(&mut self, other: Self) {
        for (mine, theirs) in [
            (&mut self.entries, other.entries),
            (&mut self.purchases, other.purchases),
            (&mut self.feedback, other.feedback),
            (&mut self.notifications, other.notifications),
        ] {
            for (user, ids) in theirs {
                mine.entry(user).or_default().extend(ids);
            }
        }
        for (user, points) in other.points {
            *self.points.entry(user).or_default() += points;
        }
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.repeats += other.repeats;
        self.findings.extend(other.findings);
    }
}

/// Lets all callers write until told to stop; each finishes the write it is at, so the suite must
/// be up then. Unguarded ones mint a new request id for every attempt.
pub(super) async fn run(clients: Clients, seed: u64, guarded: bool, stop: &AtomicBool) -> History {
    let callers = (0..CALLERS).map(|number| {
        let caller = Caller {
            clients: clients.clone(),
            random: Random::new(seed ^ number.wrapping_mul(0x9E37_79B9)),
            number,
            guarded,
            attempts: 0,
            history: History::default(),
        };
        caller.run(stop)
    });
    let mut history = History::default();
    for seen in futures::future::join_all(callers).await {
        history.add(seen);
    }
    history
}

struct Caller {
    clients: Clients,
    random: Random,
    number: u64,
    guarded: bool,
    attempts: u64,
    history: History,
}

/// What an acknowledged write is known by.
type Id = String;

impl Caller {
    async fn run(mut self, stop: &AtomicBool) -> History {
        let mut write = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            write += 1;
            let key = format!("write-{}-{write}", self.number);
            match self.random.below(5) {
                0 | 1 => self.earn(&key).await,
                2 => self.spend(&key).await,
                3 => self.track(&key).await,
                _ if write.is_multiple_of(2) => self.submit(&key).await,
                _ => self.schedule(&key).await,
            }
        }
        self.history
    }

    fn user(&mut self, kind: &str) -> String {
        format!("{kind}-{}", self.random.below(USERS))
    }

    /// From 1 to `most`.
    fn points(&mut self, most: u64) -> i64 {
        1 + (self.random.bits() % most).cast_signed()
    }

    async fn earn(&mut self, key: &str) {
        let user_id = self.user("member");
        let points = self.points(10);
        let client = self.clients.points.clone();
        let id = self
            .write(key, async |request_id| {
                let request = EarnRequest {
                    request_id,
                    user_id: user_id.clone(),
                    points,
                    reason: "crash-test".into(),
                    ..EarnRequest::default()
                };
                let answer = client.clone().earn(request).await.map(Response::into_inner)?;
                Ok((answer.entry.unwrap_or_default().entry_id, answer.replayed))
            })
            .await;
        if let Some(id) = id {
            self.history.entries.entry(user_id.clone()).or_default().push(id);
            *self.history.points.entry(user_id).or_default() += points;
        }
    }

    async fn spend(&mut self, key: &str) {
        let user_id = self.user("member");
        let points = self.points(8);
        let client = self.clients.points.clone();
        let id = self
            .write(key, async |request_id| {
                let request = SpendRequest {
                    request_id,
                    user_id: user_id.clone(),
                    points,
                    reason: "crash-test".into(),
                    ..SpendRequest::default()
                };
                let answer = client.clone().spend(request).await.map(Response::into_inner)?;
                Ok((answer.entry.unwrap_or_default().entry_id, answer.replayed))
            })
            .await;
        if let Some(id) = id {
            self.history.entries.entry(user_id.clone()).or_default().push(id);
            *self.history.points.entry(user_id).or_default() -= points;
        }
    }

    async fn track(&mut self, key: &str) {
        let user_id = self.user("buyer");
        let client = self.clients.activities.clone();
        let time = perennial_platform::clock::Clock::system().now();
        let id = self
            .write(key, async |request_id| {
                let activity = Activity {
                    user_id: user_id.clone(),
                    kind: ActivityKind::Purchase.into(),
                    occur_time: Some(to_proto(time)),
                    amount: Some(Money { currency: "CNY".into(), minor_units: 10_000 }),
                    source: "crash-test".into(),
                    source_event_id: request_id.clone(),
                    object: request_id.clone(),
                    ..Activity::default()
                };
                let request = TrackRequest { activities: vec![activity], request_id };
                let answer = client.clone().track(request).await.map(Response::into_inner)?;
                let result = answer.results.into_iter().next().unwrap_or_default();
                if result.verdict() == TrackVerdict::Refused {
                    return Err(Status::failed_precondition(result.reason));
                }
                Ok((result.activity_id, answer.replayed))
            })
            .await;
        if let Some(id) = id {
            self.history.purchases.entry(user_id).or_default().push(id);
        }
    }

    async fn submit(&mut self, key: &str) {
        let user_id = self.user("voice");
        let client = self.clients.feedback.clone();
        let id = self
            .write(key, async |request_id| {
                let request = SubmitFeedbackRequest {
                    user_id: user_id.clone(),
                    channel: Channel::Form.into(),
                    text: "it is slow".into(),
                    request_id,
                    ..SubmitFeedbackRequest::default()
                };
                let answer =
                    client.clone().submit_feedback(request).await.map(Response::into_inner)?;
                Ok((answer.feedback_id, answer.replayed))
            })
            .await;
        if let Some(id) = id {
            self.history.feedback.entry(user_id).or_default().push(id);
        }
    }

    async fn schedule(&mut self, key: &str) {
        let user_id = self.user("reader");
        let client = self.clients.notifications.clone();
        let id = self
            .write(key, async |request_id| {
                let request = ScheduleNotificationRequest {
                    user_id: user_id.clone(),
                    template: super::verify::TEMPLATE.into(),
                    topic: "care".into(),
                    channels: vec![DeliveryChannel::Inbox.into()],
                    class: MessageClass::Marketing.into(),
                    request_id,
                    ..ScheduleNotificationRequest::default()
                };
                let answer = client
                    .clone()
                    .schedule_notification(request)
                    .await
                    .map(Response::into_inner)?;
                let only = answer.notifications.into_iter().next().unwrap_or_default();
                Ok((only.notification_id, answer.replayed))
            })
            .await;
        if let Some(id) = id {
            self.history.notifications.entry(user_id).or_default().push(id);
        }
    }

    /// Attempts a write until its fate is known; repeats three in ten that were acknowledged.
    /// Returns the id, or `None` when it was refused.
    async fn write<F>(&mut self, key: &str, attempt: F) -> Option<Id>
    where
        F: AsyncFn(String) -> Result<(Id, bool), Status>,
    {
        let id = loop {
            self.attempts += 1;
            let request_id =
                if self.guarded { key.to_owned() } else { format!("{key}-{}", self.attempts) };
            match self.attempt(attempt(request_id)).await {
                Some(Ok((id, _))) => break id,
                Some(Err(status)) if is_definite(&status) => {
                    self.history.refused += 1;
                    return None;
                }
                Some(Err(status)) if status.message() == "internal error" => {
                    self.history.findings.push(format!("{key}: internal error"));
                    return None;
                }
                _ => {
                    self.history.unanswered += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        if self.guarded && self.random.below(10) < 3 {
            match self.attempt(attempt(key.to_owned())).await {
                Some(Ok((again, replayed))) => {
                    self.history.repeats += 1;
                    if again != id || !replayed {
                        let finding = format!("{key}: {id} at first, then {again} ({replayed})");
                        self.history.findings.push(finding);
                    }
                }
                Some(Err(status)) if is_definite(&status) => {
                    self.history.findings.push(format!("{key}: {id} at first, then {status:?}"));
                }
                _ => {}
            }
        }
        Some(id)
    }

    /// `None` when the caller gave up: one time in eight it waits only some milliseconds.
    async fn attempt<T>(&mut self, call: impl Future<Output = T>) -> Option<T> {
        let patience = if self.random.one_in(8) {
            Duration::from_micros(self.random.bits() % 10_000)
        } else {
            Duration::from_secs(10)
        };
        tokio::time::timeout(patience, call).await.ok()
    }
}

/// The suite said no, by a rule: the write has not happened and never will.
pub(super) fn is_definite(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
    )
}
