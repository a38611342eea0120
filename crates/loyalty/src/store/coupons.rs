//! Coupons, and who gets one next.

use super::damaged;
use super::rows::benefits::coupons::{Column, Entity, Model};
use super::rows::benefits::cycles;
use super::rows::facts;
use crate::domain::coupon::{CouponState, Price};
use crate::domain::tier::DealId;
use crate::domain::{Coupon, CouponId, Time};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

/// Purchases from which a member's usual gap is known.
const LATEST: u64 = 12;

/// A coupon by its code.
pub(crate) async fn by_code(conn: &impl ConnectionTrait, code: &str) -> Result<Option<Coupon>> {
    let row = Entity::find().filter(Column::Code.eq(code)).one(conn).await?;
    row.map(from_row).transpose()
}

/// A coupon.
pub(crate) async fn find(conn: &impl ConnectionTrait, id: CouponId) -> Result<Option<Coupon>> {
    Entity::find_by_id(id.uuid()).one(conn).await?.map(from_row).transpose()
}

/// A member's coupons, the latest first, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<(Time, Uuid)>,
    limit: u64,
) -> Result<Vec<Coupon>> {
    let mut query = Entity::find().filter(Column::UserId.eq(user));
    if let Some((at, id)) = before {
        let same = Cond::all().add(Column::IssuedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Cond::any().add(Column::IssuedAt.lt(at)).add(same));
    }
    let rows = query
        .order_by_desc(Column::IssuedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// A member's coupons that are not used or ended.
pub(crate) async fn live_of(conn: &impl ConnectionTrait, user: &str) -> Result<Vec<Coupon>> {
    let live = [CouponState::Open.number(), CouponState::Reserved.number()];
    let query = Entity::find().filter(Column::UserId.eq(user)).filter(Column::State.is_in(live));
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// A page of all coupons by id, after the one given.
pub(crate) async fn all_after(
    conn: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Coupon>> {
    let query = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id).limit(limit);
    query.all(conn).await?.into_iter().map(from_row).collect()
}

/// Writes new and changed coupons.
pub(crate) async fn save(conn: &impl ConnectionTrait, coupons: &[Coupon]) -> Result<()> {
    let rows = coupons.iter().map(into_row).collect::<Result<Vec<Model>>>()?;
    let rows = rows.into_iter().map(Model::into_active_model).collect();
    write(conn, rows, Known::Replace(Column::Id)).await
}

/// When a member bought lately, and the latest purchase.
pub(crate) async fn purchases(
    conn: &impl ConnectionTrait,
    user: &str,
) -> Result<(Vec<Time>, Option<DealId>)> {
    use facts::Column as C;
    let rows = facts::Entity::find()
        .filter(C::UserId.eq(user))
        .filter(C::Refunds.is_null())
        // What else counts for tiers (a recommendation, a tier that was given) is no purchase.
        .filter(C::Orders.gt(0))
        .order_by_desc(C::OccurredAt)
        .limit(LATEST)
        .all(conn)
        .await?;
    let latest = rows.first().map(|row| DealId::from(row.id));
    Ok((rows.into_iter().map(|row| row.occurred_at).collect(), latest))
}

/// A member is due for a coupon at an instant, if this stays the last purchase.
pub(crate) async fn plan(
    conn: &impl ConnectionTrait,
    user: &str,
    due_at: Time,
    purchase: DealId,
) -> Result<()> {
    let row = cycles::Model { user_id: user.to_owned(), due_at, purchase: purchase.uuid() };
    write(conn, vec![row.into_active_model()], Known::Replace(cycles::Column::UserId)).await
}

/// Members who are due for a coupon, and their last purchases.
pub(crate) async fn due(
    conn: &impl ConnectionTrait,
    now: Time,
    limit: u64,
) -> Result<Vec<(String, DealId)>> {
    use cycles::Column as C;
    let query = cycles::Entity::find().filter(C::DueAt.lte(now)).order_by_asc(C::DueAt);
    let rows = query.limit(limit).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, DealId::from(row.purchase))).collect())
}

/// Members are no longer due.
pub(crate) async fn unplan(conn: &impl ConnectionTrait, users: Vec<String>) -> Result<()> {
    use cycles::Column as C;
    cycles::Entity::delete_many().filter(C::UserId.is_in(users)).exec(conn).await?;
    Ok(())
}

fn from_row(row: Model) -> Result<Coupon> {
    let state = CouponState::from_number(row.state);
    let discount = Price { currency: row.currency, minor_units: row.discount };
    Ok(Coupon {
        id: CouponId::from(row.id),
        user: row.user_id,
        code: row.code,
        kind: row.kind,
        rule_version: row.rule_version,
        terms: serde_json::from_str(&row.terms).map_err(|error| damaged("coupons", error))?,
        state: state.ok_or_else(|| damaged("coupons", row.state))?,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        order: row.order_ref,
        discount: (!discount.currency.is_empty()).then_some(discount),
        reserved_until: row.reserved_until,
        used_at: row.used_at,
    })
}

fn into_row(coupon: &Coupon) -> Result<Model> {
    let discount = coupon.discount.as_ref();
    Ok(Model {
        id: coupon.id.uuid(),
        code: coupon.code.clone(),
        user_id: coupon.user.clone(),
        kind: coupon.kind.clone(),
        rule_version: coupon.rule_version.clone(),
        terms: serde_json::to_string(&coupon.terms).map_err(Error::internal)?,
        state: coupon.state.number(),
        issued_at: coupon.issued_at,
        expires_at: coupon.expires_at,
        order_ref: coupon.order.clone(),
        discount: discount.map_or(0, |price| price.minor_units),
        currency: discount.map_or(String::new(), |price| price.currency.clone()),
        reserved_until: coupon.reserved_until,
        used_at: coupon.used_at,
    })
}
