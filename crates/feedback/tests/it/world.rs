//! A running feedback service, and short ways to talk to it.

use chrono::TimeDelta;
use perennial_feedback::{Config, check, mount};
use perennial_platform::config::DatabaseConfig;
use perennial_platform::db::Db;
use perennial_platform::events::Peer;
use perennial_proto::feedback::v1::feedback_service_client::FeedbackServiceClient;
use perennial_proto::feedback::v1::insight_service_client::InsightServiceClient;
use perennial_proto::feedback::v1::ticket_service_client::TicketServiceClient;
use perennial_proto::feedback::v1::{
    AuthorKind, Category, Channel, ClockKind, GetTicketRequest, Promise, PromiseState,
    ReplyToTicketRequest, ResolveTicketRequest, RespondToTicketRequest, SubmitFeedbackRequest,
    SubmitFeedbackResponse, Ticket, WaitingOn,
};
use perennial_testkit::Suite;
use tonic::Status;
use tonic_types::StatusExt;

/// 64 hexadecimal digits.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

pub struct World {
    pub suite: Suite,
    pub feedback: FeedbackServiceClient<tonic::transport::Channel>,
    pub tickets: TicketServiceClient<tonic::transport::Channel>,
    pub insights: InsightServiceClient<tonic::transport::Channel>,
    database: DatabaseConfig,
}

impl World {
    pub async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::on(None, config).await
    }

    /// Another replica of the service on the same database.
    pub async fn replica(&self) -> Self {
        Self::on(Some(self.database.clone()), Config::default()).await
    }

    async fn on(shared: Option<DatabaseConfig>, config: Config) -> Self {
        let mut kept = DatabaseConfig::default();
        let suite = Suite::builder(Peer::Feedback)
            // Replicas open each other's users' keys.
            .settings(|platform| platform.master_key = Some(MASTER_KEY.to_owned().into()))
            .start(async |host, fresh| {
                let database = shared.unwrap_or(fresh);
                kept = database.clone();
                mount(Config { database, ..config }, host).await
            })
            .await;
        Self {
            feedback: FeedbackServiceClient::new(suite.channel()),
            tickets: TicketServiceClient::new(suite.channel()),
            insights: InsightServiceClient::new(suite.channel()),
            database: kept,
            suite,
        }
    }

    /// The database from outside, as an operator sees it.
    pub async fn database(&self) -> Db {
        Db::open("feedback", &self.database, self.suite.data()).await.unwrap()
    }

    pub async fn submit(&mut self, request: SubmitFeedbackRequest) -> SubmitFeedbackResponse {
        self.feedback.submit_feedback(request).await.unwrap().into_inner()
    }

    /// The ticket of new feedback on a channel.
    pub async fn open(&mut self, user: &str, channel: Channel) -> String {
        self.submit(said(user, channel)).await.ticket_id
    }

    pub async fn ticket(&mut self, id: &str) -> Ticket {
        let request = GetTicketRequest { ticket_id: id.to_owned() };
        self.tickets.get_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    pub async fn respond(&mut self, id: &str, author: AuthorKind) -> Ticket {
        let request = answer(id, author, WaitingOn::Unspecified);
        self.tickets.respond_to_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    pub async fn reply(&mut self, id: &str, text: &str) -> Ticket {
        let request = ReplyToTicketRequest {
            ticket_id: id.to_owned(),
            text: text.to_owned(),
            request_id: String::new(),
        };
        self.tickets.reply_to_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    pub async fn resolve(&mut self, id: &str) -> Ticket {
        let request = resolution(id, AuthorKind::Human);
        self.tickets.resolve_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    pub fn pass(&self, time: TimeDelta) {
        self.suite.clock.advance(time);
    }

    /// All that a crash or a race could have broken.
    pub async fn assert_sound(&self) {
        let db = self.database().await;
        let found = check(&Config::default(), &db, self.suite.clock.now()).await.unwrap();
        assert_eq!(found, Vec::<String>::new());
        db.close().await;
    }
}

pub fn said(user: &str, channel: Channel) -> SubmitFeedbackRequest {
    SubmitFeedbackRequest {
        user_id: user.to_owned(),
        channel: channel.into(),
        text: "保存按钮没有反应 / the save button does nothing".to_owned(),
        ..SubmitFeedbackRequest::default()
    }
}

pub fn complaint(user: &str, channel: Channel) -> SubmitFeedbackRequest {
    SubmitFeedbackRequest { category: Category::Complaint.into(), ..said(user, channel) }
}

pub fn answer(id: &str, author: AuthorKind, waiting_on: WaitingOn) -> RespondToTicketRequest {
    RespondToTicketRequest {
        ticket_id: id.to_owned(),
        author_kind: author.into(),
        author_id: "agent-7".to_owned(),
        text: "which browser?".to_owned(),
        waiting_on: waiting_on.into(),
        ..RespondToTicketRequest::default()
    }
}

pub fn resolution(id: &str, author: AuthorKind) -> ResolveTicketRequest {
    ResolveTicketRequest {
        ticket_id: id.to_owned(),
        author_kind: author.into(),
        author_id: "agent-7".to_owned(),
        text: "fixed in 2.3".to_owned(),
        request_id: String::new(),
    }
}

/// The first promise of this kind.
pub fn promise(promises: &[Promise], clock: ClockKind) -> &Promise {
    promises.iter().find(|promise| promise.clock() == clock).unwrap()
}

pub fn state(ticket: &Ticket, clock: ClockKind) -> PromiseState {
    promise(&ticket.promises, clock).state()
}

/// Seconds from the start of a promise to its due time.
pub fn allowed(promise: &Promise) -> i64 {
    promise.due_time.unwrap().seconds - promise.start_time.unwrap().seconds
}

/// The stable reason of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields that a refusal names.
pub fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations);
    bad.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}
