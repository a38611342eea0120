//! Warnings of lots' dates that were told, and what became of them.

use super::rows::warnings::{Column, Entity, Model};
use crate::domain::{Lot, LotId, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, one_of, write};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use uuid::Uuid;

/// A warning: of which lot, and of which date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) lot: LotId,
    pub(crate) expires_at: Time,
}

/// Keeps warnings under the events that told them.
pub(crate) async fn add<'a>(
    conn: &impl ConnectionTrait,
    now: Time,
    told: impl IntoIterator<Item = (Uuid, &'a Lot)>,
) -> Result<()> {
    let rows = told.into_iter().filter_map(|(id, lot)| {
        let expires_at = lot.expires_at?;
        let lot_id = lot.id.uuid();
        Some(Model { id, lot_id, expires_at, told_at: now, handed_over_at: None })
    });
    write(conn, rows.map(Model::into_active_model).collect(), Known::Refuse).await
}

/// The warning that an event told.
pub(crate) async fn find(conn: &impl ConnectionTrait, event: Uuid) -> Result<Option<Warning>> {
    let row = Entity::find_by_id(event).one(conn).await?;
    Ok(row.map(|row| Warning { lot: LotId::from(row.lot_id), expires_at: row.expires_at }))
}

/// Notes when a warning was first handed over.
pub(crate) async fn handed_over(conn: &impl ConnectionTrait, event: Uuid, at: Time) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::HandedOverAt, Expr::value(at))
        .filter(Column::Id.eq(event))
        .filter(Column::HandedOverAt.is_null())
        .exec(conn)
        .await?;
    Ok(())
}

/// When warnings for these lots were handed over.
pub(crate) async fn of_lots(
    conn: &impl ConnectionTrait,
    lots: &[LotId],
) -> Result<Vec<(LotId, Time)>> {
    let lots: Vec<Uuid> = lots.iter().map(|lot| lot.uuid()).collect();
    let rows: Vec<(Uuid, Time)> = Entity::find()
        .select_only()
        .columns([Column::LotId, Column::HandedOverAt])
        .filter(one_of(conn, Column::LotId, lots))
        .filter(Column::HandedOverAt.is_not_null())
        .into_tuple()
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|(lot, at)| (LotId::from(lot), at)).collect())
}
