//! Callers of the bank, and what they saw.

use crate::crash::load::is_definite;
use perennial_proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_proto::loyalty::v1::{
    CaptureRequest, EarnRequest, Entry, EntryKind, GetBalanceRequest, HoldRequest, ReverseRequest,
    SpendRequest, TransferRequest, VoidRequest,
};
use perennial_testkit::Random;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Response, Status};

/// Members: few, so that they are fought for.
pub(super) const MEMBERS: usize = 6;

pub(super) fn member(number: usize) -> String {
    format!("bank-{number}")
}

/// An acknowledged entry, and when its call was first sent and at last answered.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) sent: Duration,
    pub(super) answered: Duration,
    pub(super) entry: Entry,
}

/// Points less debt, held points included, and when they were asked for.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) sent: Duration,
    pub(super) user: String,
    pub(super) net: i64,
}

/// What the callers saw.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) done: Vec<Done>,
    pub(super) seen: Vec<Seen>,
    pub(super) refused: usize,
    pub(super) unanswered: usize,
    pub(super) findings: Vec<String>,
}

impl History {
    pub(super) fn summary(&self, entries: usize) -> String {
        format!(
            "{entries} entries, {} acknowledged, {} refused, {} attempts without an answer, {} balances",
            self.done.len(),
            self.refused,
            self.unanswered,
            self.seen.len()
        )
    }
}

/// What all of them saw.
pub(super) fn together(histories: Vec<History>) -> History {
    let mut all = History::default();
    for one in histories {
        all.done.extend(one.done);
        all.seen.extend(one.seen);
        all.refused += one.refused;
        all.unanswered += one.unanswered;
        all.findings.extend(one.findings);
    }
    all
}

type Points = PointsServiceClient<Channel>;

/// One caller.
pub(super) struct Caller {
    points: Points,
    random: Random,
    number: u64,
    began: Instant,
    history: History,
}

impl Caller {
    pub(super) fn new(points: Points, seed: u64, number: u64, began: Instant) -> Self {
        let random = Random::new(seed ^ number.wrapping_mul(0x9E37_79B9));
        Self { points, random, number, began, history: History::default() }
    }

    pub(super) async fn run(mut self, stop: &AtomicBool) -> History {
        let mut write = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            write += 1;
            let id = format!("bank-{}-{write}", self.number);
            match self.random.below(12) {
                0..=2 => self.earn(id).await,
                3 | 4 => self.spend(id).await,
                5 | 6 => self.hold(id).await,
                7 => self.resolve(id).await,
                8 => self.reverse(id).await,
                9 | 10 => self.transfer(id).await,
                _ => self.read().await,
            }
        }
        self.history
    }

    fn user(&mut self) -> String {
        // One of them is hot.
        let number = if self.random.one_in(3) { 0 } else { self.random.below(MEMBERS) };
        member(number)
    }

    fn some_points(&mut self, most: u64) -> i64 {
        1 + (self.random.bits() % most).cast_signed()
    }

    async fn earn(&mut self, request_id: String) {
        let (user_id, points) = (self.user(), self.some_points(20));
        let request = EarnRequest { request_id, user_id, points, ..Default::default() };
        let client = self.points.clone();
        self.write(async || {
            client.clone().earn(request.clone()).await.map(Response::into_inner).map(|a| a.entry)
        })
        .await;
    }

    async fn spend(&mut self, request_id: String) {
        let (user_id, points) = (self.user(), self.some_points(25));
        let request = SpendRequest { request_id, user_id, points, ..Default::default() };
        let client = self.points.clone();
        self.write(async || {
            client.clone().spend(request.clone()).await.map(Response::into_inner).map(|a| a.entry)
        })
        .await;
    }

    async fn hold(&mut self, request_id: String) {
        let (user_id, points) = (self.user(), self.some_points(15));
        // Some run out while the process is down.
        let seconds = if self.random.one_in(2) { 2 } else { 600 };
        let timeout = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = HoldRequest { request_id, user_id, points, timeout, ..Default::default() };
        let client = self.points.clone();
        self.write(async || {
            client.clone().hold(request.clone()).await.map(Response::into_inner).map(|a| a.entry)
        })
        .await;
    }

    /// The latest entry of a kind that this caller knows.
    fn latest(&mut self, kinds: &[EntryKind]) -> Option<Entry> {
        let known: Vec<&Entry> = self
            .history
            .done
            .iter()
            .rev()
            .take(40)
            .map(|done| &done.entry)
            .filter(|entry| kinds.contains(&entry.kind()))
            .collect();
        (!known.is_empty()).then(|| (*self.random.pick(&known)).clone())
    }

    async fn resolve(&mut self, request_id: String) {
        let Some(hold_id) = self.latest(&[EntryKind::Hold]).map(|entry| entry.hold_id) else {
            return;
        };
        let client = self.points.clone();
        if self.random.one_in(3) {
            let request = VoidRequest { request_id, hold_id, ..Default::default() };
            self.write(async || {
                client
                    .clone()
                    .void(request.clone())
                    .await
                    .map(Response::into_inner)
                    .map(|a| a.entry)
            })
            .await;
            return;
        }
        let points = if self.random.one_in(2) { 0 } else { self.some_points(15) };
        let request = CaptureRequest { request_id, hold_id, points };
        self.write(async || {
            client.clone().capture(request.clone()).await.map(Response::into_inner).map(|a| a.entry)
        })
        .await;
    }

    async fn reverse(&mut self, request_id: String) {
        let kinds = [EntryKind::Earn, EntryKind::Spend, EntryKind::Capture];
        let Some(entry_id) = self.latest(&kinds).map(|entry| entry.entry_id) else { return };
        let points = if self.random.one_in(2) { 0 } else { self.some_points(10) };
        let request = ReverseRequest { request_id, entry_id, points, ..Default::default() };
        let client = self.points.clone();
        self.write(async || {
            client.clone().reverse(request.clone()).await.map(Response::into_inner).map(|a| a.entry)
        })
        .await;
    }

    async fn transfer(&mut self, request_id: String) {
        let (from_user_id, to_user_id, points) = (self.user(), self.user(), self.some_points(20));
        if from_user_id == to_user_id {
            return;
        }
        let request =
            TransferRequest { request_id, from_user_id, to_user_id, points, ..Default::default() };
        let client = self.points.clone();
        self.write(async || {
            client.clone().transfer(request.clone()).await.map(Response::into_inner).map(|a| a.sent)
        })
        .await;
    }

    async fn read(&mut self) {
        let user_id = self.user();
        let sent = self.began.elapsed();
        let request = GetBalanceRequest { user_id: user_id.clone() };
        let asking = self.points.get_balance(request);
        let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(5), asking).await else {
            return;
        };
        let balance = answer.into_inner().balance.unwrap_or_default();
        self.history.seen.push(Seen {
            sent,
            user: user_id,
            net: balance.spendable + balance.held - balance.debt,
        });
    }

    /// Attempts a write until its fate is known; now and then the caller gives up early.
    async fn write(&mut self, attempt: impl AsyncFn() -> Result<Option<Entry>, Status>) {
        let sent = self.began.elapsed();
        loop {
            let patience = if self.random.one_in(8) {
                Duration::from_micros(self.random.bits() % 10_000)
            } else {
                Duration::from_secs(10)
            };
            match tokio::time::timeout(patience, attempt()).await {
                Ok(Ok(entry)) => {
                    let (answered, entry) = (self.began.elapsed(), entry.unwrap_or_default());
                    return self.history.done.push(Done { sent, answered, entry });
                }
                Ok(Err(status)) if is_definite(&status) => return self.history.refused += 1,
                Ok(Err(status)) if status.message() == "internal error" => {
                    return self.history.findings.push(format!("{status:?}"));
                }
                _ => {
                    self.history.unanswered += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}
