//! TicketService.

use super::{convert, show};
use crate::app::{App, Deed, NewMessage, Page};
use crate::domain::action::Action;
use crate::domain::kinds::{CUSTOMER_CODE, Coded, WaitingOn};
use crate::store::search::Filter;
use perennial_platform::error::{Error, Result as AppResult};
use perennial_platform::idempotency::Key;
use perennial_platform::page;
use perennial_platform::vault::Pii;
use perennial_proto::contract::Contract;
use perennial_proto::feedback::v1::ticket_service_server::TicketService;
use perennial_proto::feedback::v1::{
    AcknowledgeTicketRequest, AcknowledgeTicketResponse, AssignTicketRequest, AssignTicketResponse,
    CloseTicketRequest, CloseTicketResponse, GetTicketRequest, GetTicketResponse, ListQueueRequest,
    ListQueueResponse, ListTicketsRequest, ListTicketsResponse, ReplyToTicketRequest,
    ReplyToTicketResponse, ResolveTicketRequest, ResolveTicketResponse, RespondToTicketRequest,
    RespondToTicketResponse, ResumeTicketRequest, ResumeTicketResponse, SuspendTicketRequest,
    SuspendTicketResponse, Ticket, Visibility,
};
use tonic::{Request, Response, Status};

/// TicketService over the use cases.
pub(crate) struct Tickets(pub(crate) App);

/// A ticket after an action: the ticket as it is now, the message added, and whether the action
/// had been taken before.
struct Done {
    ticket: Option<Ticket>,
    message_id: String,
    replayed: bool,
}

impl Tickets {
    fn key(&self, method: &'static str, id: &str, request: &impl Contract) -> Option<Key> {
        Key::of(method, id, request, &self.0.core.vault)
    }

    async fn act(&self, key: Option<Key>, ticket_id: &str, deed: Deed) -> AppResult<Done> {
        let id = convert::ticket_id(ticket_id)?;
        let reply = self.0.act(key, id, deed).await?;
        let ticket = self.0.ticket(App::touched(&reply.value)?).await?;
        Ok(Done {
            ticket: Some(show::ticket(ticket)),
            message_id: reply.value.message_id,
            replayed: reply.replayed,
        })
    }
}

/// Something done without words.
fn silent(action: Action, actor: &str) -> Deed {
    Deed { action, actor: convert::given(actor), message: None }
}

/// Something done with words.
fn spoken(action: Action, actor: &str, message: NewMessage) -> Deed {
    Deed { message: Some(message), ..silent(action, actor) }
}

#[tonic::async_trait]
impl TicketService for Tickets {
    async fn acknowledge_ticket(
        &self,
        request: Request<AcknowledgeTicketRequest>,
    ) -> Result<Response<AcknowledgeTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.AcknowledgeTicket", &request.request_id, &request);
        let action = Action::Acknowledge(convert::author(request.author_kind)?);
        let deed = silent(action, &request.author_id);
        let Done { ticket, replayed, .. } = self.act(key, &request.ticket_id, deed).await?;
        Ok(Response::new(AcknowledgeTicketResponse { ticket, replayed }))
    }

    async fn respond_to_ticket(
        &self,
        request: Request<RespondToTicketRequest>,
    ) -> Result<Response<RespondToTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.RespondToTicket", &request.request_id, &request);
        let author = convert::author(request.author_kind)?;
        let internal = request.visibility() == Visibility::Internal;
        let waiting_on: Option<WaitingOn> = convert::optional(request.waiting_on);
        if internal && waiting_on.is_some() {
            Err(Error::invalid("waiting_on", "belongs to public answers only"))?;
        }
        let action =
            if internal { Action::Note(author) } else { Action::Answer(author, waiting_on) };
        let text = Pii::new(request.text);
        let message = NewMessage { author: author.code(), internal, text };
        let deed = spoken(action, &request.author_id, message);
        let done = self.act(key, &request.ticket_id, deed).await?;
        let Done { ticket, message_id, replayed } = done;
        Ok(Response::new(RespondToTicketResponse { ticket, message_id, replayed }))
    }

    async fn reply_to_ticket(
        &self,
        request: Request<ReplyToTicketRequest>,
    ) -> Result<Response<ReplyToTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.ReplyToTicket", &request.request_id, &request);
        let text = Pii::new(request.text);
        let message = NewMessage { author: CUSTOMER_CODE, internal: false, text };
        let deed = spoken(Action::Reply, "", message);
        let done = self.act(key, &request.ticket_id, deed).await?;
        let Done { ticket, message_id, replayed } = done;
        Ok(Response::new(ReplyToTicketResponse { ticket, message_id, replayed }))
    }

    async fn suspend_ticket(
        &self,
        request: Request<SuspendTicketRequest>,
    ) -> Result<Response<SuspendTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.SuspendTicket", &request.request_id, &request);
        let action = Action::Suspend(convert::required("waiting_on", request.waiting_on)?);
        let done = self.act(key, &request.ticket_id, silent(action, "")).await?;
        let Done { ticket, replayed, .. } = done;
        Ok(Response::new(SuspendTicketResponse { ticket, replayed }))
    }

    async fn resume_ticket(
        &self,
        request: Request<ResumeTicketRequest>,
    ) -> Result<Response<ResumeTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.ResumeTicket", &request.request_id, &request);
        let done = self.act(key, &request.ticket_id, silent(Action::Resume, "")).await?;
        let Done { ticket, replayed, .. } = done;
        Ok(Response::new(ResumeTicketResponse { ticket, replayed }))
    }

    async fn resolve_ticket(
        &self,
        request: Request<ResolveTicketRequest>,
    ) -> Result<Response<ResolveTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.ResolveTicket", &request.request_id, &request);
        let author = convert::author(request.author_kind)?;
        let text = convert::given(&request.text).map(Pii::new);
        let message = text.map(|text| NewMessage { author: author.code(), internal: false, text });
        let deed = Deed { message, ..silent(Action::Resolve(author), &request.author_id) };
        let done = self.act(key, &request.ticket_id, deed).await?;
        let Done { ticket, replayed, .. } = done;
        Ok(Response::new(ResolveTicketResponse { ticket, replayed }))
    }

    async fn close_ticket(
        &self,
        request: Request<CloseTicketRequest>,
    ) -> Result<Response<CloseTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.CloseTicket", &request.request_id, &request);
        let done = self.act(key, &request.ticket_id, silent(Action::Close, "")).await?;
        let Done { ticket, replayed, .. } = done;
        Ok(Response::new(CloseTicketResponse { ticket, replayed }))
    }

    async fn assign_ticket(
        &self,
        request: Request<AssignTicketRequest>,
    ) -> Result<Response<AssignTicketResponse>, Status> {
        let request = request.into_inner();
        let key = self.key("feedback.AssignTicket", &request.request_id, &request);
        let action = Action::Assign(convert::given(&request.assignee));
        let done = self.act(key, &request.ticket_id, silent(action, "")).await?;
        let Done { ticket, replayed, .. } = done;
        Ok(Response::new(AssignTicketResponse { ticket, replayed }))
    }

    async fn get_ticket(
        &self,
        request: Request<GetTicketRequest>,
    ) -> Result<Response<GetTicketResponse>, Status> {
        let id = convert::ticket_id(&request.get_ref().ticket_id)?;
        let ticket = self.0.ticket(id).await?;
        let feedback = self.0.feedback(ticket.record.feedback_id).await?;
        let (ticket, feedback) = (Some(show::ticket(ticket)), Some(show::feedback(feedback)));
        Ok(Response::new(GetTicketResponse { ticket, feedback }))
    }

    async fn list_tickets(
        &self,
        request: Request<ListTicketsRequest>,
    ) -> Result<Response<ListTicketsResponse>, Status> {
        let request = request.get_ref();
        let filter = Filter {
            user_id: convert::given(&request.user_id),
            states: request.states.iter().filter_map(|code| convert::optional(*code)).collect(),
            channel: convert::optional(request.channel),
            category: convert::optional(request.category),
            assignee: convert::given(&request.assignee),
            overdue_at: None,
        };
        let page = Page { size: request.page_size, token: &request.page_token };
        let (list, next_page_token) = self.0.tickets(filter, request.overdue, page).await?;
        let tickets = list.into_iter().map(show::ticket).collect();
        Ok(Response::new(ListTicketsResponse { tickets, next_page_token }))
    }

    async fn list_queue(
        &self,
        request: Request<ListQueueRequest>,
    ) -> Result<Response<ListQueueResponse>, Status> {
        let request = request.get_ref();
        let limit = match u64::try_from(request.limit).unwrap_or(0) {
            0 => page::DEFAULT_SIZE,
            limit => limit.min(page::MAX_SIZE),
        };
        let assignee = convert::given(&request.assignee);
        let list = self.0.queue(assignee.as_deref(), limit).await?;
        let tickets = list.into_iter().map(show::ticket).collect();
        Ok(Response::new(ListQueueResponse { tickets }))
    }
}
