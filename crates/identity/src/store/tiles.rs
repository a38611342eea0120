//! Day tiles: added to as activities come in, read back by window.

use super::CHUNK;
use super::rows::{spend_day, user_day};
use crate::domain::calendar::Day;
use crate::domain::facts::{DayTile, SpendTile};
use crate::domain::money::Currency;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, Iden, IntoActiveModel, QueryFilter,
};
use std::collections::BTreeMap;

/// Tiles of behaviour by user and day.
pub type DayTiles = BTreeMap<(String, Day), DayTile>;
/// Tiles of spending by user, currency and day.
pub type SpendTiles = BTreeMap<(String, Currency, Day), SpendTile>;

/// Adds tiles to those that are there.
pub async fn add_days(conn: &impl ConnectionTrait, tiles: &DayTiles) -> Result<()> {
    use user_day::{Column as C, Entity, Model};
    let sums = [
        C::Own,
        C::Logins,
        C::Sessions,
        C::CheckIns,
        C::LesserUses,
        C::Interactions,
        C::SessionMillis,
    ];
    let add = OnConflict::columns([C::UserId, C::Day])
        .values(sums.map(|column| (column, sum(user_day::Entity, column))))
        .to_owned();
    let mut rows = tiles.iter().map(|((user_id, day), tile)| {
        Model {
            user_id: user_id.clone(),
            day: *day,
            own: tile.own,
            logins: tile.logins,
            sessions: tile.sessions,
            check_ins: tile.check_ins,
            lesser_uses: tile.lesser_uses,
            interactions: tile.interactions,
            session_millis: tile.session_millis,
        }
        .into_active_model()
        .reset_all()
    });
    loop {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        Entity::insert_many(chunk).on_conflict(add.clone()).exec_without_returning(conn).await?;
    }
}

/// Adds tiles to those that are there.
pub async fn add_spending(conn: &impl ConnectionTrait, tiles: &SpendTiles) -> Result<()> {
    use spend_day::{Column as C, Entity, Model};
    let sums = [C::Purchases, C::Refunds, C::Paid, C::Refunded];
    let add = OnConflict::columns([C::UserId, C::Currency, C::Day])
        .values(sums.map(|column| (column, sum(spend_day::Entity, column))))
        .value(C::LastPurchaseMicros, latest_purchase())
        .to_owned();
    let mut rows = tiles.iter().map(|((user_id, currency, day), tile)| {
        Model {
            user_id: user_id.clone(),
            currency: currency.to_string(),
            day: *day,
            purchases: tile.purchases,
            refunds: tile.refunds,
            paid: tile.paid,
            refunded: tile.refunded,
            last_purchase_micros: tile.last_purchase_micros,
        }
        .into_active_model()
        .reset_all()
    });
    loop {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        Entity::insert_many(chunk).on_conflict(add.clone()).exec_without_returning(conn).await?;
    }
}

/// The column's value and the one that was to be inserted, added up.
fn sum<E: EntityTrait, C: Iden + Copy + 'static>(table: E, column: C) -> SimpleExpr {
    Expr::col((table, column)).add(excluded(column))
}

fn excluded<C: Iden + 'static>(column: C) -> SimpleExpr {
    Expr::col(("excluded", column))
}

/// The later of the two, where a tile without purchases has none (0 is not a time: 1969 exists).
fn latest_purchase() -> SimpleExpr {
    use spend_day::{Column as C, Entity};
    let kept = || Expr::col((Entity, C::LastPurchaseMicros));
    let later = Expr::col((Entity, C::Purchases)).eq(0).or(Expr::expr(excluded(C::Purchases))
        .gt(0)
        .and(Expr::expr(excluded(C::LastPurchaseMicros)).gt(kept())));
    CaseStatement::new().case(later, excluded(C::LastPurchaseMicros)).finally(kept()).into()
}

/// Tiles of behaviour of these users from a day on; all when `first` is `None`.
pub async fn days(
    conn: &impl ConnectionTrait,
    users: &[String],
    first: Option<Day>,
) -> Result<DayTiles> {
    use user_day::{Column, Entity};
    let mut tiles = DayTiles::new();
    for chunk in users.chunks(MAX_LISTED) {
        let mut query = Entity::find().filter(one_of(conn, Column::UserId, chunk.to_vec()));
        if let Some(first) = first {
            query = query.filter(Column::Day.gte(first));
        }
        tiles.extend(query.all(conn).await?.into_iter().map(|row| {
            let tile = DayTile {
                own: row.own,
                logins: row.logins,
                sessions: row.sessions,
                check_ins: row.check_ins,
                lesser_uses: row.lesser_uses,
                interactions: row.interactions,
                session_millis: row.session_millis,
            };
            ((row.user_id, row.day), tile)
        }));
    }
    Ok(tiles)
}

/// Tiles of spending of these users from a day on; all when `first` is `None`.
pub async fn spending(
    conn: &impl ConnectionTrait,
    users: &[String],
    first: Option<Day>,
) -> Result<SpendTiles> {
    use spend_day::{Column, Entity};
    let mut tiles = SpendTiles::new();
    for chunk in users.chunks(MAX_LISTED) {
        let mut query = Entity::find().filter(one_of(conn, Column::UserId, chunk.to_vec()));
        if let Some(first) = first {
            query = query.filter(Column::Day.gte(first));
        }
        for row in query.all(conn).await? {
            let tile = SpendTile {
                purchases: row.purchases,
                refunds: row.refunds,
                paid: row.paid,
                refunded: row.refunded,
                last_purchase_micros: row.last_purchase_micros,
            };
            let currency = row.currency.parse().map_err(Error::internal)?;
            tiles.insert((row.user_id, currency, row.day), tile);
        }
    }
    Ok(tiles)
}

/// Deletes a user's tiles.
pub async fn delete(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    user_day::Entity::delete_many().filter(user_day::Column::UserId.eq(user_id)).exec(conn).await?;
    let spending = spend_day::Entity::delete_many();
    spending.filter(spend_day::Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(())
}
