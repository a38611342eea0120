//! Places, and who has them.

use super::damaged;
use super::rows::benefits::{claims, quotas};
use crate::domain::quota::{ClaimState, Quota};
use crate::domain::{Claim, ClaimId, Time};
use claims::{Column, Entity, Model};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Claims let go in one transaction.
const BATCH: u64 = 500;

/// A quota; `None` when nobody has claimed of it.
pub(crate) async fn quota(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Quota>> {
    let row = quotas::Entity::find_by_id(id.to_owned()).one(conn).await?;
    Ok(row.map(quota_from))
}

/// These quotas, those of them that exist.
pub(crate) async fn quotas(
    conn: &impl ConnectionTrait,
    ids: Vec<String>,
) -> Result<HashMap<String, Quota>> {
    let rows = quotas::Entity::find().filter(quotas::Column::Id.is_in(ids)).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), quota_from(row))).collect())
}

/// A page of all quotas by id, after the one given.
pub(crate) async fn quotas_after(
    conn: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<Quota>> {
    let query = quotas::Entity::find().filter(quotas::Column::Id.gt(after));
    let rows = query.order_by_asc(quotas::Column::Id).limit(limit).all(conn).await?;
    Ok(rows.into_iter().map(quota_from).collect())
}

/// Writes a quota.
pub(crate) async fn save_quota(conn: &impl ConnectionTrait, quota: &Quota) -> Result<()> {
    let row = quotas::Model {
        id: quota.id.clone(),
        places: quota.places,
        taken: quota.taken,
        accepted: quota.accepted,
    };
    write(conn, vec![row.into_active_model()], Known::Replace(quotas::Column::Id)).await
}

/// A claim.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: ClaimId) -> Result<Option<Claim>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// Writes claims.
pub(crate) async fn save(conn: &impl ConnectionTrait, claims: &[Claim]) -> Result<()> {
    let rows = claims.iter().map(|claim| into_row(claim).into_active_model()).collect();
    write(conn, rows, Known::Replace(Column::Id)).await
}

/// Claims of these quotas whose time has run out: some of them.
pub(crate) async fn due_of(
    conn: &impl ConnectionTrait,
    quotas: Vec<String>,
    now: Time,
) -> Result<Vec<Claim>> {
    let query = Entity::find()
        .filter(Column::QuotaId.is_in(quotas))
        .filter(Column::State.eq(ClaimState::Held.number()))
        .filter(Column::HeldUntil.lte(now))
        .order_by_asc(Column::HeldUntil)
        .limit(BATCH);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// How many claims of these quotas have run out, by quota.
pub(crate) async fn count_due(
    conn: &impl ConnectionTrait,
    quotas: Vec<String>,
    now: Time,
) -> Result<HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = Entity::find()
        .select_only()
        .column(Column::QuotaId)
        .column_as(Column::Id.count(), "claims")
        .filter(Column::QuotaId.is_in(quotas))
        .filter(Column::State.eq(ClaimState::Held.number()))
        .filter(Column::HeldUntil.lte(now))
        .group_by(Column::QuotaId)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Claims whose time has run out, of whatever quota: some of them.
pub(crate) async fn due(conn: &impl ConnectionTrait, now: Time, limit: u64) -> Result<Vec<Claim>> {
    let query = Entity::find()
        .filter(Column::State.eq(ClaimState::Held.number()))
        .filter(Column::HeldUntil.lte(now))
        .order_by_asc(Column::HeldUntil)
        .limit(limit);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// How many places a member has of these quotas, by quota.
pub(crate) async fn own(
    conn: &impl ConnectionTrait,
    user: &str,
    quotas: Vec<String>,
    now: Time,
) -> Result<HashMap<String, i64>> {
    let held =
        Cond::all().add(Column::State.eq(ClaimState::Held.number())).add(Column::HeldUntil.gt(now));
    let rows: Vec<(String, i64)> = Entity::find()
        .select_only()
        .column(Column::QuotaId)
        .column_as(Column::Id.count(), "claims")
        .filter(Column::UserId.eq(user))
        .filter(Column::QuotaId.is_in(quotas))
        .filter(Cond::any().add(Column::State.eq(ClaimState::Used.number())).add(held))
        .group_by(Column::QuotaId)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// How many places of a quota are written down as taken, and the highest number given out.
pub(crate) async fn counted(conn: &impl ConnectionTrait, quota: &str) -> Result<(i64, i64)> {
    let of_it = Entity::find().filter(Column::QuotaId.eq(quota));
    let takes = [ClaimState::Held.number(), ClaimState::Used.number()];
    let taken = of_it.clone().filter(Column::State.is_in(takes)).count(conn).await?;
    let last = of_it.order_by_desc(Column::Number).one(conn).await?;
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    Ok((taken, last.map_or(0, |row| row.number)))
}

/// A member's claims whose places are held.
pub(crate) async fn held_of(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Claim>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::State.eq(ClaimState::Held.number()));
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A member's claims, the latest first, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Claim>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some((at, id)) = before {
        let same = Cond::all().add(Column::ClaimedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Cond::any().add(Column::ClaimedAt.lt(at)).add(same));
    }
    let rows = query
        .order_by_desc(Column::ClaimedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn quota_from(row: quotas::Model) -> Quota {
    Quota { id: row.id, places: row.places, taken: row.taken, accepted: row.accepted }
}

fn from_row(row: Model) -> Result<Claim> {
    let state = ClaimState::from_number(row.state);
    Ok(Claim {
        id: ClaimId::from(row.id),
        user: row.user_id,
        key: row.key,
        quota: row.quota_id,
        state: state.ok_or_else(|| damaged("claims", row.state))?,
        number: row.number,
        claimed_at: row.claimed_at,
        held_until: row.held_until,
        resolved_at: row.resolved_at,
        rule_version: row.rule_version,
    })
}

fn into_row(claim: &Claim) -> Model {
    Model {
        id: claim.id.uuid(),
        user_id: claim.user.clone(),
        key: claim.key.clone(),
        quota_id: claim.quota.clone(),
        state: claim.state.number(),
        number: claim.number,
        claimed_at: claim.claimed_at,
        held_until: claim.held_until,
        resolved_at: claim.resolved_at,
        rule_version: claim.rule_version.clone(),
    }
}
