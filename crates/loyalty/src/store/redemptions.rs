//! What was bought with points.

use super::damaged;
use super::rows::benefits::redemptions::{Column, Entity, Model};
use crate::domain::catalogue::RedemptionState;
use crate::domain::{ClaimId, EntryId, Redemption, RedemptionId, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// A redemption.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    id: RedemptionId,
) -> Result<Option<Redemption>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// Writes redemptions.
pub(crate) async fn save(conn: &impl ConnectionTrait, redemptions: &[Redemption]) -> Result<()> {
    let rows = redemptions.iter().map(|one| into_row(one).into_active_model()).collect();
    write(conn, rows, Known::Replace(Column::Id)).await
}

/// A member's redemptions that are held.
pub(crate) async fn held_of(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Redemption>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::State.eq(RedemptionState::Held.number()));
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A member's redemptions that are held, or paid and not delivered.
pub(crate) async fn open_of(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Redemption>> {
    let open = [RedemptionState::Held.number(), RedemptionState::Paid.number()];
    let query = Entity::find().filter(Column::UserId.eq(user)).filter(Column::State.is_in(open));
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A member's redemptions, the latest first, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Redemption>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some((at, id)) = before {
        let same = Cond::all().add(Column::RedeemedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Cond::any().add(Column::RedeemedAt.lt(at)).add(same));
    }
    let rows = query
        .order_by_desc(Column::RedeemedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// A page of all redemptions by id, after the one given.
pub(crate) async fn all_after(
    conn: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Redemption>> {
    let query = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id).limit(limit);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

fn from_row(row: Model) -> Result<Redemption> {
    let state = RedemptionState::from_number(row.state);
    Ok(Redemption {
        id: RedemptionId::from(row.id),
        user: row.user_id,
        item: row.item,
        points: row.points,
        state: state.ok_or_else(|| damaged("redemptions", row.state))?,
        entry: EntryId::from(row.entry_id),
        stock: ClaimId::from(row.stock),
        place: row.place.map(ClaimId::from),
        redeemed_at: row.redeemed_at,
        held_until: row.held_until,
        resolved_at: row.resolved_at,
        rule_version: row.rule_version,
    })
}

fn into_row(one: &Redemption) -> Model {
    Model {
        id: one.id.uuid(),
        user_id: one.user.clone(),
        item: one.item.clone(),
        points: one.points,
        state: one.state.number(),
        entry_id: one.entry.uuid(),
        stock: one.stock.uuid(),
        place: one.place.map(ClaimId::uuid),
        redeemed_at: one.redeemed_at,
        held_until: one.held_until,
        resolved_at: one.resolved_at,
        rule_version: one.rule_version.clone(),
    }
}
