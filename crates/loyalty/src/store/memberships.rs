//! Memberships with their lines of access and open charges.

mod convert;

use super::charges;
use super::rows::memberships::{Column, Entity, Model, stretches, transitions, trials};
use crate::domain::Time;
use crate::domain::plan::{Membership, MembershipId, Period, State, Transition};
use convert::{from_row, into_row, into_stretch};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// One membership.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    id: MembershipId,
) -> Result<Option<Membership>> {
    let rows = Entity::find_by_id(id.uuid()).all(conn).await?;
    Ok(with_parts(conn, rows).await?.pop())
}

/// The membership of a member that has not ended.
pub(crate) async fn running(conn: &impl ConnectionTrait, user: &str) -> Result<Option<Membership>> {
    let mine = Entity::find().filter(Column::UserId.eq(user)).filter(Column::EndedAt.is_null());
    Ok(with_parts(conn, mine.all(conn).await?).await?.pop())
}

/// The plan of each membership that renews, of members in a range of ids, and since when it goes on.
pub(crate) async fn renewing(
    conn: &impl ConnectionTrait,
    first: &str,
    last: &str,
) -> Result<HashMap<String, (String, Period, Time)>> {
    let rows: Vec<(String, String, i16, Time)> = Entity::find()
        .select_only()
        .columns([Column::UserId, Column::Plan, Column::Period, Column::BeganAt])
        .filter(Column::UserId.gte(first))
        .filter(Column::UserId.lte(last))
        .filter(Column::EndedAt.is_null())
        .filter(Column::CanceledAt.is_null())
        .into_tuple()
        .all(conn)
        .await?;
    let renews =
        |(user, plan, period, began)| Some((user, (plan, Period::from_number(period)?, began)));
    Ok(rows.into_iter().filter_map(renews).collect())
}

/// The running membership of a member, or else the last one that ended.
pub(crate) async fn latest(conn: &impl ConnectionTrait, user: &str) -> Result<Option<Membership>> {
    if let Some(running) = running(conn, user).await? {
        return Ok(Some(running));
    }
    Ok(page(conn, user, None, 1).await?.pop())
}

/// Memberships of a member, the newest first, after that of the cursor.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    after: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Membership>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some((at, id)) = after {
        let older = Column::CreatedAt.lt(at);
        query = query.filter(older.or(Column::CreatedAt.eq(at).and(Column::Id.lt(id))));
    }
    let newest = query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit);
    with_parts(conn, newest.all(conn).await?).await
}

/// All memberships, in the order of their ids.
pub(crate) async fn after(
    conn: &impl ConnectionTrait,
    id: Uuid,
    limit: u64,
) -> Result<Vec<Membership>> {
    let query = Entity::find().filter(Column::Id.gt(id)).order_by_asc(Column::Id).limit(limit);
    with_parts(conn, query.all(conn).await?).await
}

/// Memberships that time has something to change of, the longest due first.
pub(crate) async fn due(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<Membership>> {
    let query = Entity::find().filter(Column::DueAt.lte(now)).order_by_asc(Column::DueAt);
    with_parts(conn, query.limit(limit).all(conn).await?).await
}

/// Writes a membership with its line and open charge, and when time next changes it.
pub(crate) async fn save(
    conn: &impl ConnectionTrait,
    membership: &Membership,
    due_at: Option<Time>,
) -> Result<()> {
    let id = membership.id.uuid();
    let row = into_row(membership, due_at)?.into_active_model();
    write(conn, vec![row], Known::Replace(Column::Id)).await?;
    let mine = stretches::Entity::delete_many();
    mine.filter(stretches::Column::MembershipId.eq(id)).exec(conn).await?;
    let line = membership.line.stretches().iter().enumerate();
    let rows = line
        .map(|(n, stretch)| Ok(into_stretch(id, n, stretch)?.into_active_model()))
        .collect::<Result<Vec<_>>>()?;
    write(conn, rows, Known::Refuse).await?;
    charges::save(conn, membership).await
}

/// Writes changes of state down.
pub(crate) async fn add_transitions(
    conn: &impl ConnectionTrait,
    membership: &Membership,
) -> Result<()> {
    if membership.news.transitions.is_empty() {
        return Ok(());
    }
    let last: Option<i64> = transitions::Entity::find()
        .select_only()
        .column(transitions::Column::Number)
        .filter(transitions::Column::UserId.eq(&membership.user))
        .order_by_desc(transitions::Column::Number)
        .into_tuple()
        .one(conn)
        .await?;
    let numbers = last.unwrap_or(0) + 1..;
    let rows = numbers.zip(&membership.news.transitions).map(|(number, change)| {
        let row = transitions::Model {
            user_id: membership.user.clone(),
            number,
            membership_id: membership.id.uuid(),
            plan: membership.plan.clone(),
            from_state: change.from.number(),
            to_state: change.to.number(),
            changed_at: change.at,
        };
        row.into_active_model()
    });
    write(conn, rows.collect(), Known::Refuse).await
}

/// A change of state, of which membership and plan.
pub(crate) struct Change {
    pub(crate) number: i64,
    pub(crate) membership: MembershipId,
    pub(crate) plan: String,
    pub(crate) transition: Transition,
}

/// Changes of state of a member's memberships, the newest first, before a number.
pub(crate) async fn transitions_of(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Change>> {
    use transitions::Column as C;
    let rows = transitions::Entity::find()
        .filter(C::UserId.eq(user))
        .filter(C::Number.lt(before.unwrap_or(i64::MAX)))
        .order_by_desc(C::Number)
        .limit(limit)
        .all(conn)
        .await?;
    let state = |number| {
        State::from_number(number).ok_or_else(|| super::damaged("membership_changes", number))
    };
    rows.into_iter()
        .map(|row| {
            Ok(Change {
                number: row.number,
                membership: MembershipId::from(row.membership_id),
                plan: row.plan,
                transition: Transition {
                    from: state(row.from_state)?,
                    to: state(row.to_state)?,
                    at: row.changed_at,
                    access_until: None,
                },
            })
        })
        .collect()
}

/// Whether any of these persons had a trial.
pub(crate) async fn had_trial(conn: &impl ConnectionTrait, persons: &[String]) -> Result<bool> {
    let query = trials::Entity::find().filter(trials::Column::Person.is_in(persons));
    Ok(query.one(conn).await?.is_some())
}

/// These persons have their trial now: for ever.
pub(crate) async fn add_trial(
    conn: &impl ConnectionTrait,
    persons: Vec<String>,
    now: Time,
) -> Result<()> {
    let rows = persons.into_iter().map(|person| {
        let row = trials::Model { person, began_at: now };
        row.into_active_model()
    });
    write(conn, rows.collect(), Known::Refuse).await
}

async fn with_parts(conn: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Membership>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut open = charges::open_of(conn, &ids).await?;
    let lines = stretches::Entity::find()
        .filter(stretches::Column::MembershipId.is_in(ids))
        .order_by_asc(stretches::Column::Number)
        .all(conn)
        .await?;
    let mut by_id: HashMap<Uuid, Vec<stretches::Model>> = HashMap::new();
    for stretch in lines {
        by_id.entry(stretch.membership_id).or_default().push(stretch);
    }
    rows.into_iter()
        .map(|row| {
            let line = by_id.remove(&row.id).unwrap_or_default();
            let charge = open.remove(&row.id);
            from_row(row, line, charge)
        })
        .collect()
}

fn narrow<T: TryInto<i32>>(n: T) -> Result<i32>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    n.try_into().map_err(Error::internal)
}
