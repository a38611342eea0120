//! PointsService.

mod many;

use super::convert;
use crate::app::App;
use crate::app::message;
use crate::app::points::{LotCursor, StatementCursor};
use crate::domain::command::Transfer;
use crate::domain::{Command, HoldId};
use futures::stream::{BoxStream, StreamExt};
use perennial_platform::idempotency::{Key, Reply};
use perennial_platform::{Result as Outcome, id, time};
use perennial_proto::contract::Contract;
use perennial_proto::loyalty::v1::points_service_server::PointsService;
use perennial_proto::loyalty::v1::{
    ActivateRequest, ActivateResponse, CancelPendingRequest, CancelPendingResponse, CaptureRequest,
    CaptureResponse, CorrectRequest, CorrectResponse, EarnBatchRequest, EarnBatchResponse,
    EarnPendingRequest, EarnPendingResponse, EarnRequest, EarnResponse, EarnStreamRequest,
    EarnStreamResponse, Entry, ExplainBalanceRequest, ExplainBalanceResponse, ExplainEventRequest,
    ExplainEventResponse, GetBalanceRequest, GetBalanceResponse, GetEntryRequest, GetEntryResponse,
    GetHoldRequest, GetHoldResponse, GetStatementRequest, GetStatementResponse, HoldRequest,
    HoldResponse, ReverseRequest, ReverseResponse, SpendRequest, SpendResponse, TransferRequest,
    TransferResponse, VoidRequest, VoidResponse,
};
use tonic::{Request, Response, Status, Streaming};

/// Names Earn in the store of request ids, wherever the earning came in.
const EARN: &str = "perennial.loyalty.v1.PointsService/Earn";

/// Points of members.
#[derive(Clone)]
pub(crate) struct Points {
    pub(crate) app: App,
}

impl Points {
    fn key<M: Contract>(&self, method: &'static str, id: &str, request: &M) -> Option<Key> {
        if flawed!(SameKeyTwice) {
            return None;
        }
        let minted = flawed!(FreshIdPerRetry).then(|| format!("{id}{}", self.app.fresh_entry()));
        Key::of(method, minted.as_deref().unwrap_or(id), request, &self.app.vault)
    }

    async fn post(&self, key: Option<Key>, command: Command) -> Outcome<Reply<Entry>> {
        self.app.ledger.submit(key, command).await
    }
}

#[tonic::async_trait]
impl PointsService for Points {
    type EarnStreamStream = BoxStream<'static, Result<EarnStreamResponse, Status>>;

    async fn earn(&self, request: Request<EarnRequest>) -> Result<Response<EarnResponse>, Status> {
        let request = request.into_inner();
        let key = self.key(EARN, &request.request_id, &request);
        let Reply { value, replayed } = self.post(key, convert::earn(&self.app, request)?).await?;
        Ok(Response::new(EarnResponse { entry: Some(value), replayed }))
    }

    async fn spend(
        &self,
        request: Request<SpendRequest>,
    ) -> Result<Response<SpendResponse>, Status> {
        let request = request.into_inner();
        let key =
            self.key("perennial.loyalty.v1.PointsService/Spend", &request.request_id, &request);
        let Reply { value, replayed } = self.post(key, convert::spend(&self.app, request)?).await?;
        Ok(Response::new(SpendResponse { entry: Some(value), replayed }))
    }

    async fn hold(&self, request: Request<HoldRequest>) -> Result<Response<HoldResponse>, Status> {
        let request = request.into_inner();
        let key =
            self.key("perennial.loyalty.v1.PointsService/Hold", &request.request_id, &request);
        let command = convert::place_hold(&self.app, request)?;
        let Reply { value, replayed } = self.post(key, command).await?;
        let hold_id = value.hold_id.clone();
        Ok(Response::new(HoldResponse { entry: Some(value), hold_id, replayed }))
    }

    async fn capture(
        &self,
        request: Request<CaptureRequest>,
    ) -> Result<Response<CaptureResponse>, Status> {
        let request = request.into_inner();
        let key =
            self.key("perennial.loyalty.v1.PointsService/Capture", &request.request_id, &request);
        let Reply { value, replayed } = self.post(key, convert::capture(&request)?).await?;
        Ok(Response::new(CaptureResponse { entry: Some(value), replayed }))
    }

    async fn void(&self, request: Request<VoidRequest>) -> Result<Response<VoidResponse>, Status> {
        let request = request.into_inner();
        let key =
            self.key("perennial.loyalty.v1.PointsService/Void", &request.request_id, &request);
        let Reply { value, replayed } = self.post(key, convert::void(request)?).await?;
        Ok(Response::new(VoidResponse { entry: Some(value), replayed }))
    }

    async fn reverse(
        &self,
        request: Request<ReverseRequest>,
    ) -> Result<Response<ReverseResponse>, Status> {
        let request = request.into_inner();
        let key =
            self.key("perennial.loyalty.v1.PointsService/Reverse", &request.request_id, &request);
        let command = convert::reverse(&self.app, request)?;
        let Reply { value, replayed } = self.post(key, command).await?;
        Ok(Response::new(ReverseResponse { entry: Some(value), replayed }))
    }

    async fn earn_batch(
        &self,
        request: Request<EarnBatchRequest>,
    ) -> Result<Response<EarnBatchResponse>, Status> {
        let results = self.clone().earn_all(request.into_inner().requests, 0).await;
        Ok(Response::new(EarnBatchResponse { results }))
    }

    async fn earn_stream(
        &self,
        request: Request<Streaming<EarnStreamRequest>>,
    ) -> Result<Response<Self::EarnStreamStream>, Status> {
        Ok(Response::new(self.clone().earn_each(request.into_inner()).boxed()))
    }

    async fn earn_pending(
        &self,
        request: Request<EarnPendingRequest>,
    ) -> Result<Response<EarnPendingResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.PointsService/EarnPending";
        let key = self.key(method, &request.request_id, &request);
        let command = convert::earn_pending(&self.app, request)?;
        let Reply { value, replayed } = self.post(key, command).await?;
        Ok(Response::new(EarnPendingResponse { entry: Some(value), replayed }))
    }

    async fn activate(
        &self,
        request: Request<ActivateRequest>,
    ) -> Result<Response<ActivateResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.PointsService/Activate";
        let key = self.key(method, &request.request_id, &request);
        let Reply { value, replayed } = self.post(key, convert::activate(&request)?).await?;
        Ok(Response::new(ActivateResponse { entry: Some(value), replayed }))
    }

    async fn cancel_pending(
        &self,
        request: Request<CancelPendingRequest>,
    ) -> Result<Response<CancelPendingResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.PointsService/CancelPending";
        let key = self.key(method, &request.request_id, &request);
        let command = convert::cancel_pending(&self.app, request)?;
        let Reply { value, replayed } = self.post(key, command).await?;
        Ok(Response::new(CancelPendingResponse { entry: Some(value), replayed }))
    }

    async fn transfer(
        &self,
        request: Request<TransferRequest>,
    ) -> Result<Response<TransferResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.PointsService/Transfer";
        let key = self.key(method, &request.request_id, &request);
        let command = convert::transfer(&self.app, request)?;
        let Reply { value: sent, replayed } = self.post(key, command).await?;
        // One command has one answer under its request id; its other entry is read by its name.
        let received = Transfer::received_id(id::parse("entry_id", &sent.entry_id)?);
        let received = message::entry(self.app.entry(received).await?);
        let transfer_id = sent.transfer_id.clone();
        let (sent, received) = (Some(sent), Some(received));
        Ok(Response::new(TransferResponse { transfer_id, sent, received, replayed }))
    }

    async fn correct(
        &self,
        request: Request<CorrectRequest>,
    ) -> Result<Response<CorrectResponse>, Status> {
        let request = request.into_inner();
        let method = "perennial.loyalty.v1.PointsService/Correct";
        let key = self.key(method, &request.request_id, &request);
        let command = convert::correct(&self.app, request)?;
        let Reply { value, replayed } = self.post(key, command).await?;
        Ok(Response::new(CorrectResponse { entry: Some(value), replayed }))
    }

    async fn explain_event(
        &self,
        request: Request<ExplainEventRequest>,
    ) -> Result<Response<ExplainEventResponse>, Status> {
        let request = request.get_ref();
        let answer = self.app.explain_event(&request.user_id, convert::named(request)?).await?;
        Ok(Response::new(convert::explained(answer)))
    }

    async fn get_balance(
        &self,
        request: Request<GetBalanceRequest>,
    ) -> Result<Response<GetBalanceResponse>, Status> {
        let snapshot = self.app.snapshot(&request.get_ref().user_id).await?;
        let balance = convert::balance(&snapshot)?;
        Ok(Response::new(GetBalanceResponse { balance: Some(balance) }))
    }

    async fn get_statement(
        &self,
        request: Request<GetStatementRequest>,
    ) -> Result<Response<GetStatementResponse>, Status> {
        let request = request.into_inner();
        let as_of = request.as_of.as_ref().map(|at| time::from_proto("as_of", at)).transpose()?;
        let filter = format!("statement {} {as_of:?}", request.user_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<StatementCursor>(request.page_size, &request.page_token, &filter)?;
        let statement = self.app.statement(&request.user_id, as_of, after, size).await?;
        let next = statement.next.map(|cursor| pages.token(&filter, &cursor));
        let as_of = as_of.unwrap_or(self.app.now());
        Ok(Response::new(GetStatementResponse {
            entries: statement.entries.into_iter().map(message::entry).collect(),
            next_page_token: next.unwrap_or_default(),
            balance: Some(convert::booked(request.user_id, &statement.sums, as_of)),
        }))
    }

    async fn explain_balance(
        &self,
        request: Request<ExplainBalanceRequest>,
    ) -> Result<Response<ExplainBalanceResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("explain {}", request.user_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<LotCursor>(request.page_size, &request.page_token, &filter)?;
        let (snapshot, lots, next) = self.app.explain(&request.user_id, after, size).await?;
        let next = next.map(|cursor| pages.token(&filter, &cursor));
        Ok(Response::new(ExplainBalanceResponse {
            balance: Some(convert::balance(&snapshot)?),
            lots: lots.into_iter().map(convert::explanation).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn get_entry(
        &self,
        request: Request<GetEntryRequest>,
    ) -> Result<Response<GetEntryResponse>, Status> {
        let id = id::parse("entry_id", &request.get_ref().entry_id)?;
        let entry = message::entry(self.app.entry(id).await?);
        Ok(Response::new(GetEntryResponse { entry: Some(entry) }))
    }

    async fn get_hold(
        &self,
        request: Request<GetHoldRequest>,
    ) -> Result<Response<GetHoldResponse>, Status> {
        let id: HoldId = id::parse("hold_id", &request.get_ref().hold_id)?;
        let hold = convert::hold(&self.app.hold(id).await?);
        Ok(Response::new(GetHoldResponse { hold: Some(hold) }))
    }
}
