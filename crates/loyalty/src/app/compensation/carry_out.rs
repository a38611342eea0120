//! Granting and taking back, batch by batch.

use super::{CAUSE, count, tell};
use crate::app::{App, rewards};
use crate::domain::incident::{IncidentState, Person};
use crate::domain::{Cause, Incident, IncidentId};
use crate::store::incidents;
use perennial_platform::Result;
use sea_orm::ConnectionTrait;

/// Members looked at in one transaction.
const BATCH: u64 = 100;

/// Some members after the one given, with what an incident's filter asks about.
pub(super) async fn people(
    conn: &impl ConnectionTrait,
    incident: &Incident,
    after: &str,
    limit: u64,
) -> Result<Vec<Person>> {
    let window = (incident.from, incident.to);
    incidents::people(conn, window, &incident.filter, after, limit).await
}

impl App {
    /// Goes on with the incidents that were approved or are taken back; answers with how many
    /// members, 0 when there is nothing to do.
    pub(crate) async fn carry_out_incidents(&self) -> Result<u64> {
        let conn = self.db.read();
        if let Some(incident) = incidents::first_in(conn, IncidentState::Revoking).await? {
            return self.take_back_some(incident.id).await;
        }
        match incidents::first_in(conn, IncidentState::Granting).await? {
            Some(incident) => self.grant_some(incident.id).await,
            None => Ok(0),
        }
    }

    async fn grant_some(&self, id: IncidentId) -> Result<u64> {
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let now = self.now();
        // It may have been taken back meanwhile.
        let found = incidents::find(&tx, id).await?;
        let Some(mut incident) = found.filter(|i| i.state == IncidentState::Granting) else {
            return Ok(1);
        };
        let people = people(&tx, &incident, &incident.cursor, BATCH).await?;
        let all = count(people.len());
        let last = people.last().map(|person| person.user.clone());
        let rule_version = incident.rule_version.clone();
        let cause = Cause { kind: CAUSE, id: id.to_string(), rule_version };
        let mut noted = Vec::new();
        for person in people.into_iter().filter(|one| incident.filter.hits(incident.to, one)) {
            let (user, wanted) = (person.user, &incident.rewards);
            let given = rewards::grant(&tx, &programme, now, &user, &cause, wanted, true).await?;
            if !given.is_empty() {
                tell(&tx, now, &user, (&cause.id, &incident.ticket), &given);
                noted.push(user);
            }
        }
        // The table's key keeps anybody out who was given it before.
        incidents::note(&tx, id, &noted, now).await?;
        incident.examined += all;
        incident.granted += count(noted.len());
        match last {
            Some(last) => incident.cursor = last,
            None => incident.state = IncidentState::Granted,
        }
        incidents::save(&tx, &incident).await?;
        tx.commit().await?;
        Ok(all.unsigned_abs().max(1))
    }

    async fn take_back_some(&self, id: IncidentId) -> Result<u64> {
        let tx = self.db.begin().await?;
        let programme = self.rules.locked(&tx).await?;
        let now = self.now();
        let found = incidents::find(&tx, id).await?;
        let Some(mut incident) = found.filter(|i| i.state == IncidentState::Revoking) else {
            return Ok(1);
        };
        let users = incidents::given(&tx, id, BATCH).await?;
        for user in &users {
            rewards::revoke(&tx, &programme, now, user, CAUSE, &id.to_string()).await?;
        }
        incidents::taken(&tx, id, &users, now).await?;
        incident.revoked += count(users.len());
        if users.is_empty() {
            incident.state = IncidentState::Revoked;
        }
        incidents::save(&tx, &incident).await?;
        tx.commit().await?;
        Ok(users.len().max(1) as u64)
    }
}
