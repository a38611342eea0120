//! Making up for failures: incidents and single complaints.

mod carry_out;

use super::benefits::{Member, message};
use super::{App, coupons, rewards};
use crate::domain::incident::{Filter, IncidentState};
use crate::domain::plan::PlanRefusal;
use crate::domain::plan::gift::known_plan;
use crate::domain::{Cause, Grant, Incident, IncidentId, Programme, Reward, RuleVersion, Time};
use crate::store::incidents;
use perennial_platform::db::Tx;
use perennial_platform::events::{self, NewEvent};
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;
use uuid::Uuid;

/// What compensation is given for, whatever it answers: an incident or a ticket.
pub(crate) const CAUSE: &str = "compensation";
/// Members looked at with one set of statements.
const PAGE: u64 = 500;

/// Where a page of incidents goes on.
pub(crate) type IncidentCursor = (Time, Uuid);

/// What somebody declares.
pub(crate) struct Declaration {
    pub(crate) key: String,
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) filter: Filter,
    pub(crate) rewards: Vec<Reward>,
    pub(crate) ticket: String,
    pub(crate) declared_by: String,
}

/// Who is affected, and what it would cost.
pub(crate) struct Preview {
    pub(crate) affected: i64,
    pub(crate) examined: i64,
    pub(crate) rewards: Vec<Reward>,
    pub(crate) users: Vec<String>,
    pub(crate) next: Option<String>,
}

impl App {
    /// Declares an incident. Errors: see CompensationService/DeclareIncident.
    pub(crate) async fn declare(
        &self,
        key: Option<Key>,
        said: Declaration,
    ) -> Result<Reply<proto::Incident>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            on_offer(&programme, programme.in_force(now), &said.rewards)?;
            if incidents::is_known(tx, &said.key).await? {
                let text = "an incident of this key was declared before";
                return Err(Error::already_exists("INCIDENT_EXISTS", text));
            }
            let incident = Incident {
                id: IncidentId::new(now),
                key: said.key.clone(),
                state: IncidentState::Draft,
                from: said.from,
                to: said.to,
                filter: said.filter.clone(),
                rewards: said.rewards.clone(),
                ticket: said.ticket.clone(),
                declared_by: said.declared_by.clone(),
                declared_at: now,
                approved_by: String::new(),
                approved_at: None,
                rule_version: String::new(),
                cursor: String::new(),
                examined: 0,
                granted: 0,
                revoked: 0,
            };
            incidents::save(tx, &incident).await?;
            Ok(message::incident(&incident))
        })
        .await
    }

    /// Who would be given something, from the user after the one given on. Errors: NOT_FOUND /
    /// INCIDENT_NOT_FOUND.
    pub(crate) async fn preview(
        &self,
        id: IncidentId,
        after: Option<String>,
        size: u64,
    ) -> Result<Preview> {
        let incident = self.incident(id).await?;
        let after = after.unwrap_or_default();
        let (mut affected, mut examined) = (0, 0);
        let mut users = Vec::new();
        let mut cursor = String::new();
        loop {
            let people = carry_out::people(self.db.read(), &incident, &cursor, PAGE).await?;
            let Some(last) = people.last() else { break };
            cursor.clone_from(&last.user);
            examined += count(people.len());
            for person in people {
                if incident.filter.hits(incident.to, &person) {
                    affected += 1;
                    if person.user > after && users.len() as u64 <= size {
                        users.push(person.user);
                    }
                }
            }
        }
        let next = super::cut(&mut users, size, String::clone);
        Ok(Preview { affected, examined, rewards: incident.rewards, users, next })
    }

    /// Lets the granting begin. Errors: see CompensationService/ApproveIncident.
    pub(crate) async fn approve(
        &self,
        key: Option<Key>,
        id: IncidentId,
        by: &str,
    ) -> Result<Reply<proto::Incident>> {
        self.change_incident(key, id, |incident, programme, now| {
            Ok(incident.approve(now, by, &programme.in_force(now).version)?)
        })
        .await
    }

    /// Begins to take an incident back. Errors: see CompensationService/RevokeIncident.
    pub(crate) async fn revoke_incident(
        &self,
        key: Option<Key>,
        id: IncidentId,
    ) -> Result<Reply<proto::Incident>> {
        self.change_incident(key, id, |incident, _, _| Ok(incident.revoke()?)).await
    }

    /// One incident. Errors: NOT_FOUND / INCIDENT_NOT_FOUND.
    pub(crate) async fn incident(&self, id: IncidentId) -> Result<Incident> {
        incidents::find(self.db.read(), id).await?.ok_or_else(not_found)
    }

    /// A page of the incidents, the latest first.
    pub(crate) async fn incidents(
        &self,
        before: Option<IncidentCursor>,
        size: u64,
    ) -> Result<(Vec<Incident>, Option<IncidentCursor>)> {
        let mut found = incidents::page(self.db.read(), before, size + 1).await?;
        let next = super::cut(&mut found, size, |one| (one.declared_at, one.id.uuid()));
        Ok((found, next))
    }

    /// Makes up for one complaint. Errors: see CompensationService/CompensateTicket.
    pub(crate) async fn compensate_ticket(
        &self,
        key: Option<Key>,
        user: &str,
        ticket: &str,
        wanted: &[Reward],
        by: &str,
    ) -> Result<Reply<proto::CompensateTicketResponse>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let now = self.now();
            if incidents::is_compensated(tx, ticket).await? {
                let text = "the complaint was made up for before";
                return Err(Error::already_exists("TICKET_COMPENSATED", text));
            }
            let member = Member::enrol(tx, &programme, now, user).await?;
            on_offer(&programme, member.version, wanted)?;
            let rule_version = member.version.version.clone();
            let cause = Cause { kind: CAUSE, id: ticket.to_owned(), rule_version };
            let given = rewards::grant(tx, &programme, now, user, &cause, wanted, true).await?;
            if given.is_empty() {
                let text = "none of the rewards can be given to this member";
                return Err(Error::precondition("NOT_GIVEN", text));
            }
            incidents::compensate(tx, ticket, user, by, now).await?;
            tell(tx, now, user, ("", ticket), &given);
            let grants = given.iter().map(rewards::message).collect();
            Ok(proto::CompensateTicketResponse { grants, replayed: false })
        })
        .await
    }

    async fn change_incident(
        &self,
        key: Option<Key>,
        id: IncidentId,
        change: impl FnOnce(&mut Incident, &Programme, Time) -> Result<()>,
    ) -> Result<Reply<proto::Incident>> {
        once(&self.db, &self.clock, key, async |tx| {
            let programme = self.rules.locked(tx).await?;
            let mut incident = incidents::find(tx, id).await?.ok_or_else(not_found)?;
            change(&mut incident, &programme, self.now())?;
            incidents::save(tx, &incident).await?;
            Ok(message::incident(&incident))
        })
        .await
    }
}

/// Tells a member what they were given, and for what: an incident, a ticket, or both.
fn tell(tx: &Tx, now: Time, user: &str, (incident, ticket): (&str, &str), given: &[Grant]) {
    let told = proto::CompensationGranted {
        user_id: user.to_owned(),
        incident_id: incident.to_owned(),
        ticket_id: ticket.to_owned(),
        grants: given.iter().map(rewards::message).collect(),
    };
    events::append(tx, [NewEvent::of(now, user, &told)]);
}

/// The rules allow these rewards, and know what they are. Errors: INVALID_ARGUMENT; NOT_FOUND /
/// COUPON_KIND_NOT_FOUND, PLAN_NOT_FOUND.
fn on_offer(programme: &Programme, version: &RuleVersion, wanted: &[Reward]) -> Result<()> {
    let rules = &version.benefits;
    if let Some(passed) = wanted.iter().find_map(|reward| rules.compensation.passed_by(reward)) {
        return Err(Error::invalid("rewards", passed));
    }
    for reward in wanted {
        match reward {
            Reward::Coupon(kind) if rules.coupon(kind).is_none() => {
                return Err(coupons::kind_not_found(kind));
            }
            Reward::Membership { plan, .. } if known_plan(programme, plan).is_none() => {
                return Err(PlanRefusal::NoPlan.into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn not_found() -> Error {
    Error::not_found("INCIDENT_NOT_FOUND", "no such incident")
}
