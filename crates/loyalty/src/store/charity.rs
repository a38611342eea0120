//! What was set aside for charity. Only inserts and reads.

use super::rows::benefits::set_asides::{Column, Entity, Model};
use crate::domain::{SetAside, SetAsideId, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::{Alias, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

const PURCHASE: i16 = 1;
const REFUND: i16 = 2;
const POINTS: i16 = 3;

/// Sums over a group of amounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    /// What they are grouped by: the month, or the project.
    pub(crate) group: String,
    /// Empty for points.
    pub(crate) currency: String,
    pub(crate) set_aside: i64,
    pub(crate) taken_back: i64,
    pub(crate) purchases: i64,
    pub(crate) points: i64,
}

/// These amounts, those of them that exist.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = SetAsideId>,
) -> Result<Vec<SetAside>> {
    let ids = ids.into_iter().map(SetAsideId::uuid);
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(conn).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// What takes an amount back.
pub(crate) async fn reversals(
    conn: &impl ConnectionTrait,
    id: SetAsideId,
) -> Result<Vec<SetAside>> {
    let rows = Entity::find().filter(Column::Reverses.eq(id.uuid())).all(conn).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// Writes amounts; those that are there stay as they are.
pub(crate) async fn add(
    conn: &impl ConnectionTrait,
    amounts: &[SetAside],
    now: Time,
) -> Result<()> {
    let rows = amounts.iter().map(|one| into_row(one, now).into_active_model()).collect();
    write(conn, rows, Known::Keep(Column::Id)).await
}

/// A page of all amounts by id, after the one given.
pub(crate) async fn all_after(
    conn: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
) -> Result<Vec<SetAside>> {
    let query = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id).limit(limit);
    Ok(query.all(conn).await?.into_iter().map(from_row).collect())
}

/// The months in which something was given to a project, after one month, from one and to one
/// (each may be empty).
pub(crate) async fn months(
    conn: &impl ConnectionTrait,
    project: &str,
    from: &str,
    to: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<String>> {
    let mut query =
        Entity::find().select_only().column(Column::Month).filter(Column::Project.eq(project));
    if !from.is_empty() {
        query = query.filter(Column::Month.gte(from));
    }
    if !to.is_empty() {
        query = query.filter(Column::Month.lte(to));
    }
    if let Some(after) = after {
        query = query.filter(Column::Month.gt(after));
    }
    let query = query.distinct().order_by_asc(Column::Month).limit(limit);
    Ok(query.into_tuple().all(conn).await?)
}

/// The sums of these months of a project.
pub(crate) async fn by_month(
    conn: &impl ConnectionTrait,
    project: &str,
    months: Vec<String>,
) -> Result<Vec<Sums>> {
    let query =
        Entity::find().filter(Column::Project.eq(project)).filter(Column::Month.is_in(months));
    sums(conn, query, Column::Month).await
}

/// The sums of a member, by project.
pub(crate) async fn by_project(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Sums>> {
    sums(conn, Entity::find().filter(Column::UserId.eq(user)), Column::Project).await
}

async fn sums(
    conn: &impl ConnectionTrait,
    query: Select<Entity>,
    group: Column,
) -> Result<Vec<Sums>> {
    let bigint = || Alias::new("bigint");
    let rows: Vec<(String, String, i16, i64, i64, i64)> = query
        .select_only()
        .column(group)
        .column(Column::Currency)
        .column(Column::Kind)
        .column_as(Column::Amount.sum().cast_as(bigint()), "amounts")
        .column_as(Column::Points.sum().cast_as(bigint()), "given")
        .column_as(Column::Id.count(), "number")
        .group_by(group)
        .group_by(Column::Currency)
        .group_by(Column::Kind)
        .order_by_asc(group)
        .order_by_asc(Column::Currency)
        .into_tuple()
        .all(conn)
        .await?;
    let mut all: Vec<Sums> = Vec::new();
    for (group, currency, kind, amount, points, number) in rows {
        if all.last().is_none_or(|last| last.group != group || last.currency != currency) {
            all.push(Sums { group, currency, ..Sums::default() });
        }
        let Some(last) = all.last_mut() else { continue };
        match kind {
            PURCHASE => (last.set_aside, last.purchases) = (amount, number),
            REFUND => last.taken_back = -amount,
            _ => last.points = points,
        }
    }
    Ok(all)
}

fn from_row(row: Model) -> SetAside {
    SetAside {
        id: SetAsideId::from(row.id),
        user: row.user_id,
        project: row.project,
        order: row.order_ref,
        reverses: row.reverses.map(SetAsideId::from),
        currency: row.currency,
        paid: row.paid,
        amount: row.amount,
        points: row.points,
        month: row.month,
        rule_version: row.rule_version,
    }
}

fn into_row(one: &SetAside, now: Time) -> Model {
    let kind = match one {
        one if one.points > 0 => POINTS,
        one if one.reverses.is_some() => REFUND,
        _ => PURCHASE,
    };
    Model {
        id: one.id.uuid(),
        user_id: one.user.clone(),
        project: one.project.clone(),
        order_ref: one.order.clone(),
        reverses: one.reverses.map(SetAsideId::uuid),
        kind,
        currency: one.currency.clone(),
        paid: one.paid,
        amount: one.amount,
        points: one.points,
        month: one.month.clone(),
        rule_version: one.rule_version.clone(),
        recorded_at: now,
    }
}
