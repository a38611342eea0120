//! Earnings by the thousand: in one call, or on a stream without an end.

use super::Points;
use crate::grpc::convert;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, Stream, StreamExt, unfold};
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, Result as Outcome};
use perennial_proto::loyalty::v1::{
    EarnRequest, EarnResult, EarnStreamRequest, EarnStreamResponse,
};
use tonic::{Status, Streaming};

/// Earnings of one stream that may be under way.
const MAX_UNDER_WAY: usize = 4_096;
/// Earnings in one message at most, by the contract.
const MAX_MESSAGE: usize = 1_000;

impl Points {
    /// Carries earnings out together; one result for each, in order, counted from `first`. They
    /// share their request ids with Earn.
    pub(super) async fn earn_all(self, requests: Vec<EarnRequest>, first: i64) -> Vec<EarnResult> {
        let mut commands = Vec::with_capacity(requests.len());
        let mut places: Vec<Outcome<()>> = Vec::with_capacity(requests.len());
        for request in requests {
            let key = Key::of(super::EARN, &request.request_id, &request, &self.app.vault);
            let command = convert::earn(&self.app, request);
            places.push(command.map(|command| commands.push((key, command))));
        }
        let mut answers = self.app.ledger.submit_many(commands).await.into_iter();
        let mut next = || {
            answers.next().unwrap_or_else(|| Err(Error::internal("a command without an answer")))
        };
        let outcomes = places.into_iter().map(|place| place.and_then(|()| next()));
        (first..).zip(outcomes).map(|(index, one)| convert::outcome(index, one)).collect()
    }

    /// Answers a stream of earnings. Messages are carried out side by side and answered in order.
    pub(super) fn earn_each(
        self,
        incoming: Streaming<EarnStreamRequest>,
    ) -> impl Stream<Item = Result<EarnStreamResponse, Status>> {
        let flow = Flow {
            points: self,
            incoming,
            open: FuturesOrdered::new(),
            under_way: 0,
            taken: 0,
            end: None,
        };
        unfold(flow, Flow::step)
    }
}

/// A stream of earnings on its way through the ledger.
struct Flow {
    points: Points,
    incoming: Streaming<EarnStreamRequest>,
    open: FuturesOrdered<BoxFuture<'static, Vec<EarnResult>>>,
    under_way: usize,
    taken: i64,
    /// The caller has sent everything, or something that cannot be read.
    end: Option<Result<(), Status>>,
}

impl Flow {
    /// The next answer. Reads on only while there is room, so that flow control reaches the caller.
    async fn step(mut self) -> Option<(Result<EarnStreamResponse, Status>, Self)> {
        loop {
            let room = self.end.is_none() && self.under_way + MAX_MESSAGE <= MAX_UNDER_WAY;
            tokio::select! {
                biased;
                Some(results) = self.open.next(), if !self.open.is_empty() => {
                    self.under_way -= results.len();
                    return Some((Ok(EarnStreamResponse { results }), self));
                }
                message = self.incoming.message(), if room => match message {
                    Ok(Some(message)) => self.take(message.requests),
                    Ok(None) => self.end = Some(Ok(())),
                    Err(status) => self.end = Some(Err(status)),
                },
                else => {
                    // What came before an error was carried out and answered; now it is told, once.
                    let error = self.end.replace(Ok(()))?.err()?;
                    return Some((Err(error), self));
                }
            }
        }
    }

    fn take(&mut self, requests: Vec<EarnRequest>) {
        let (count, first) = (requests.len(), self.taken);
        self.under_way += count;
        self.taken = self.taken.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        self.open.push_back(Box::pin(self.points.clone().earn_all(requests, first)));
    }
}
