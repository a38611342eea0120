//! CompensationService.

use crate::app::App;
use crate::app::benefits::message;
use crate::app::compensation::{Declaration, IncidentCursor, Preview};
use crate::domain::incident::{Filter, Seen};
use crate::domain::reward::Span;
use crate::domain::{Reward, Tier};
use chrono::Datelike;
use perennial_platform::error::Violation;
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, Result as Outcome, id, time};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::compensation_service_server::CompensationService;
use tonic::{Request, Response, Status};

/// Making up for failures.
pub(crate) struct Compensation {
    pub(crate) app: App,
}

fn rewards(wanted: Option<proto::CompensationRewards>) -> Outcome<Vec<Reward>> {
    let wanted = wanted.unwrap_or_default();
    let span = |days: i32| Span { months: 0, days: days.unsigned_abs() };
    let mut rewards = Vec::new();
    rewards.extend((wanted.points > 0).then_some(Reward::Points(wanted.points)));
    rewards.extend(wanted.membership.map(|time| {
        let span = span(time.days);
        Reward::Membership { plan: time.plan, span }
    }));
    rewards.extend((!wanted.coupon.is_empty()).then_some(Reward::Coupon(wanted.coupon)));
    rewards.extend(wanted.feature.map(|time| {
        let span = span(time.days);
        Reward::Feature { feature: time.feature, span }
    }));
    if rewards.is_empty() {
        return Err(Error::invalid("rewards", "must give something"));
    }
    Ok(rewards)
}

fn filter(said: Option<proto::IncidentFilter>) -> Filter {
    let said = said.unwrap_or_default();
    let seen = match said.activity() {
        proto::ActivitySeen::Purchase => Seen::Purchase,
        proto::ActivitySeen::Any => Seen::Any,
        proto::ActivitySeen::NoneNeeded | proto::ActivitySeen::Unspecified => Seen::NoneNeeded,
    };
    let tier = |tier: i32| Tier::from_number(i16::try_from(tier).ok()?);
    Filter {
        tiers: said.tiers.into_iter().filter_map(tier).collect(),
        plans: said.plans,
        users: said.user_ids,
        seen,
    }
}

fn declaration(said: proto::DeclareIncidentRequest) -> Outcome<Declaration> {
    let instant = |field, at: Option<prost_types::Timestamp>| {
        let at = at.ok_or_else(|| Error::invalid(field, "is missing"))?;
        time::from_proto(field, &at)
    };
    let (from, to) = (instant("from_time", said.from_time)?, instant("to_time", said.to_time)?);
    let mut faults = Vec::new();
    let mut require = |holds: bool, field: &str, description: &str| {
        if !holds {
            let description = description.to_owned();
            faults.push(Violation { field: field.to_owned(), description });
        }
    };
    require(from.year() >= 1970, "from_time", "lies before 1970");
    require(from < to, "to_time", "does not lie after from_time");
    require(to.year() <= 9999, "to_time", "lies after the year 9999");
    if !faults.is_empty() {
        return Err(Error::violations(faults));
    }
    Ok(Declaration {
        key: said.key,
        from,
        to,
        filter: filter(said.filter),
        rewards: rewards(said.rewards)?,
        ticket: said.ticket_id,
        declared_by: said.declared_by,
    })
}

fn preview(seen: Preview, next_page_token: String) -> proto::PreviewIncidentResponse {
    let mut answer = proto::PreviewIncidentResponse {
        affected: seen.affected,
        examined: seen.examined,
        user_ids: seen.users,
        next_page_token,
        ..Default::default()
    };
    for reward in &seen.rewards {
        match reward {
            Reward::Points(points) => answer.points = points.saturating_mul(seen.affected),
            Reward::Membership { span, .. } => {
                answer.membership_days = i64::from(span.days).saturating_mul(seen.affected);
            }
            Reward::Coupon(_) => answer.coupons = seen.affected,
            Reward::Feature { .. } => answer.features = seen.affected,
            Reward::Badge(_) | Reward::Tier(_) => {}
        }
    }
    answer
}

#[tonic::async_trait]
impl CompensationService for Compensation {
    async fn declare_incident(
        &self,
        request: Request<proto::DeclareIncidentRequest>,
    ) -> Result<Response<proto::DeclareIncidentResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CompensationService/DeclareIncident";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let reply = self.app.declare(key, declaration(request)?).await?;
        let (incident, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::DeclareIncidentResponse { incident, replayed }))
    }

    async fn preview_incident(
        &self,
        request: Request<proto::PreviewIncidentRequest>,
    ) -> Result<Response<proto::PreviewIncidentResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("incident {}", request.incident_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<String>(request.page_size, &request.page_token, &filter)?;
        let id = id::parse("incident_id", &request.incident_id)?;
        let mut seen = self.app.preview(id, after, size).await?;
        let next = seen.next.take().map(|next| pages.token(&filter, &next));
        Ok(Response::new(preview(seen, next.unwrap_or_default())))
    }

    async fn approve_incident(
        &self,
        request: Request<proto::ApproveIncidentRequest>,
    ) -> Result<Response<proto::ApproveIncidentResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CompensationService/ApproveIncident";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let id = id::parse("incident_id", &request.incident_id)?;
        let reply = self.app.approve(key, id, &request.approved_by).await?;
        let (incident, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::ApproveIncidentResponse { incident, replayed }))
    }

    async fn revoke_incident(
        &self,
        request: Request<proto::RevokeIncidentRequest>,
    ) -> Result<Response<proto::RevokeIncidentResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CompensationService/RevokeIncident";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let id = id::parse("incident_id", &request.incident_id)?;
        let reply = self.app.revoke_incident(key, id).await?;
        let (incident, replayed) = (Some(reply.value), reply.replayed);
        Ok(Response::new(proto::RevokeIncidentResponse { incident, replayed }))
    }

    async fn get_incident(
        &self,
        request: Request<proto::GetIncidentRequest>,
    ) -> Result<Response<proto::GetIncidentResponse>, Status> {
        let id = id::parse("incident_id", &request.get_ref().incident_id)?;
        let incident = Some(message::incident(&self.app.incident(id).await?));
        Ok(Response::new(proto::GetIncidentResponse { incident }))
    }

    async fn list_incidents(
        &self,
        request: Request<proto::ListIncidentsRequest>,
    ) -> Result<Response<proto::ListIncidentsResponse>, Status> {
        let request = request.into_inner();
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<IncidentCursor>(request.page_size, &request.page_token, "incidents")?;
        let (found, next) = self.app.incidents(before, size).await?;
        Ok(Response::new(proto::ListIncidentsResponse {
            incidents: found.iter().map(message::incident).collect(),
            next_page_token: next.map_or(String::new(), |next| pages.token("incidents", &next)),
        }))
    }

    async fn compensate_ticket(
        &self,
        request: Request<proto::CompensateTicketRequest>,
    ) -> Result<Response<proto::CompensateTicketResponse>, Status> {
        const METHOD: &str = "perennial.loyalty.v1.CompensationService/CompensateTicket";
        let request = request.into_inner();
        let key = Key::of(METHOD, &request.request_id, &request, &self.app.vault);
        let wanted = rewards(request.rewards)?;
        let (user, ticket) = (&request.user_id, &request.ticket_id);
        let by = &request.declared_by;
        let reply = self.app.compensate_ticket(key, user, ticket, &wanted, by).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::CompensateTicketResponse { replayed, ..reply.value }))
    }
}
