//! Since when things wait that are due, read from the due indexes: for metrics.

use super::rows::{holds, lots};
use crate::domain::{Notice, Time};
use perennial_platform::Result;
use perennial_platform::backlog::MOST;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Open holds whose time has run out.
pub(crate) async fn holds(conn: &impl ConnectionTrait, now: Time) -> Result<Vec<Time>> {
    use holds::Column;
    Ok(holds::Entity::find()
        .select_only()
        .column(Column::Deadline)
        .filter(Expr::cust("state = 1"))
        .filter(Column::Deadline.lte(now))
        .order_by_asc(Column::Deadline)
        .limit(MOST)
        .into_tuple()
        .all(conn)
        .await?)
}

/// Lots whose date has passed, with points that nothing reserves.
pub(crate) async fn dead(conn: &impl ConnectionTrait, now: Time) -> Result<Vec<Time>> {
    use lots::Column;
    Ok(lots::Entity::find()
        .select_only()
        .column(Column::ExpiresAt)
        .filter(Expr::cust("remaining > 0"))
        .filter(Column::ExpiresAt.lte(now))
        .filter(Expr::cust("remaining > held"))
        .order_by_asc(Column::ExpiresAt)
        .limit(MOST)
        .into_tuple()
        .all(conn)
        .await?)
}

/// Lots with pending points that are to be active.
pub(crate) async fn ripe(conn: &impl ConnectionTrait, now: Time) -> Result<Vec<Time>> {
    use lots::Column;
    Ok(lots::Entity::find()
        .select_only()
        .column(Column::ActivatesAt)
        .filter(Expr::cust("pending > 0"))
        .filter(Column::ActivatesAt.lte(now))
        .order_by_asc(Column::ActivatesAt)
        .limit(MOST)
        .into_tuple()
        .all(conn)
        .await?)
}

/// Of the lots that expire next, those whose warning was told and not heard of since: when it was
/// told.
pub(crate) async fn notices(conn: &impl ConnectionTrait, now: Time) -> Result<Vec<Time>> {
    use lots::Column;
    let next: Vec<(i16, Option<Time>)> = lots::Entity::find()
        .select_only()
        .columns([Column::Notice, Column::WarnedAt])
        .filter(Expr::cust("remaining > 0"))
        .filter(Column::ExpiresAt.gt(now))
        .order_by_asc(Column::ExpiresAt)
        .limit(MOST)
        .into_tuple()
        .all(conn)
        .await?;
    let pending = next.into_iter().filter(|(notice, _)| *notice == Notice::Pending.number());
    Ok(pending.filter_map(|(_, told)| told).collect())
}
