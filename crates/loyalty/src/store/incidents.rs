//! Incidents, whom they hit, and complaints that were made up for.

mod people;

pub(crate) use people::people;

use super::damaged;
use super::rows::incidents::{declared as incidents, incident_members, tickets};
use crate::domain::incident::IncidentState;
use crate::domain::{Incident, IncidentId, Time};
use incidents::{Column, Entity, Model};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

/// An incident.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: IncidentId) -> Result<Option<Incident>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// Whether there is an incident of this name.
pub(crate) async fn is_known(conn: &impl ConnectionTrait, key: &str) -> Result<bool> {
    Ok(Entity::find().filter(Column::Key.eq(key)).count(conn).await? > 0)
}

/// The earliest incident in a state.
pub(crate) async fn first_in(
    conn: &impl ConnectionTrait,
    state: IncidentState,
) -> Result<Option<Incident>> {
    let query = Entity::find().filter(Column::State.eq(state.number()));
    query.order_by_asc(Column::Id).one(conn).await?.map(from_row).transpose()
}

/// Writes an incident.
pub(crate) async fn save(conn: &impl ConnectionTrait, incident: &Incident) -> Result<()> {
    let row = into_row(incident)?.into_active_model();
    write(conn, vec![row], Known::Replace(Column::Id)).await
}

/// Incidents, the latest first, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Incident>> {
    let mut query = Entity::find();
    if let Some((at, id)) = before {
        let same = Cond::all().add(Column::DeclaredAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Cond::any().add(Column::DeclaredAt.lt(at)).add(same));
    }
    let rows = query
        .order_by_desc(Column::DeclaredAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Notes that members were given the rewards of an incident. Errors: ABORTED for one who was
/// before.
pub(crate) async fn note(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
    users: &[String],
    now: Time,
) -> Result<()> {
    let rows = users.iter().map(|user| {
        incident_members::Model {
            incident_id: incident.uuid(),
            user_id: user.clone(),
            granted_at: now,
            revoked_at: None,
        }
        .into_active_model()
    });
    write(conn, rows.collect(), Known::Refuse).await
}

/// Members who were given the rewards of an incident, some that were not taken back.
pub(crate) async fn given(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
    limit: u64,
) -> Result<Vec<String>> {
    use incident_members::Column as C;
    let query = incident_members::Entity::find()
        .select_only()
        .column(C::UserId)
        .filter(C::IncidentId.eq(incident.uuid()))
        .filter(C::RevokedAt.is_null())
        .order_by_asc(C::UserId)
        .limit(limit);
    Ok(query.into_tuple().all(conn).await?)
}

/// Notes that the rewards were taken back from members.
pub(crate) async fn taken(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
    users: &[String],
    now: Time,
) -> Result<()> {
    use incident_members::Column as C;
    incident_members::Entity::update_many()
        .col_expr(C::RevokedAt, Expr::value(now))
        .filter(C::IncidentId.eq(incident.uuid()))
        .filter(C::UserId.is_in(users))
        .exec(conn)
        .await?;
    Ok(())
}

/// How many members were given the rewards of an incident, and from how many they were taken back.
pub(crate) async fn counted(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<(u64, u64)> {
    use incident_members::Column as C;
    let of_it = incident_members::Entity::find().filter(C::IncidentId.eq(incident.uuid()));
    let given = of_it.clone().count(conn).await?;
    Ok((given, of_it.filter(C::RevokedAt.is_not_null()).count(conn).await?))
}

/// Whether a complaint was made up for.
pub(crate) async fn is_compensated(conn: &impl ConnectionTrait, ticket: &str) -> Result<bool> {
    Ok(tickets::Entity::find_by_id(ticket.to_owned()).one(conn).await?.is_some())
}

/// Notes that a complaint was made up for.
pub(crate) async fn compensate(
    conn: &impl ConnectionTrait,
    ticket: &str,
    user: &str,
    by: &str,
    now: Time,
) -> Result<()> {
    let row = tickets::Model {
        ticket_id: ticket.to_owned(),
        user_id: user.to_owned(),
        declared_by: by.to_owned(),
        given_at: now,
    };
    write(conn, vec![row.into_active_model()], Known::Refuse).await
}

fn from_row(row: Model) -> Result<Incident> {
    let state = IncidentState::from_number(row.state);
    let broken = |error| damaged("incidents", error);
    Ok(Incident {
        id: IncidentId::from(row.id),
        key: row.key,
        state: state.ok_or_else(|| damaged("incidents", row.state))?,
        from: row.from_at,
        to: row.to_at,
        filter: serde_json::from_str(&row.filter).map_err(broken)?,
        rewards: serde_json::from_str(&row.rewards).map_err(broken)?,
        ticket: row.ticket_id,
        declared_by: row.declared_by,
        declared_at: row.declared_at,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        rule_version: row.rule_version,
        cursor: row.cursor,
        examined: row.examined,
        granted: row.granted,
        revoked: row.revoked,
    })
}

fn into_row(one: &Incident) -> Result<Model> {
    Ok(Model {
        id: one.id.uuid(),
        key: one.key.clone(),
        state: one.state.number(),
        from_at: one.from,
        to_at: one.to,
        filter: serde_json::to_string(&one.filter).map_err(Error::internal)?,
        rewards: serde_json::to_string(&one.rewards).map_err(Error::internal)?,
        ticket_id: one.ticket.clone(),
        declared_by: one.declared_by.clone(),
        declared_at: one.declared_at,
        approved_by: one.approved_by.clone(),
        approved_at: one.approved_at,
        rule_version: one.rule_version.clone(),
        cursor: one.cursor.clone(),
        examined: one.examined,
        granted: one.granted,
        revoked: one.revoked,
    })
}
