//! Where members stand, and every change of it.

use super::damaged;
use super::rows::standings::{Column, Entity, Model};
use super::rows::tier_changes;
use crate::domain::tier::{Cause, Change, Metrics, Standing};
use crate::domain::{Tier, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

/// A standing with what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) standing: Standing,
    /// When to look again though nothing new happened.
    pub(crate) due_at: Option<Time>,
    /// Facts taken in so far, and changes made.
    pub(crate) facts: i64,
    pub(crate) changes: i64,
    /// Fingerprint of the tier rules by which `due_at` was computed.
    pub(crate) rules: String,
}

/// A member's standing; `None` when nothing that counts was ever taken in.
pub(crate) async fn find(conn: &impl ConnectionTrait, user: &str) -> Result<Option<Kept>> {
    Entity::find_by_id(user.to_owned()).one(conn).await?.map(from_row).transpose()
}

/// Members who have to be judged by now, or who were last judged by other rules.
pub(crate) async fn due(
    conn: &impl ConnectionTrait,
    now: Time,
    rules: &str,
    limit: u64,
) -> Result<Vec<String>> {
    // Two ranges, because no index helps to find what differs.
    let waiting = [
        (Column::DueAt.lte(now), Column::DueAt),
        (Column::Rules.lt(rules), Column::Rules),
        (Column::Rules.gt(rules), Column::Rules),
    ];
    for (filter, order) in waiting {
        let users = Entity::find()
            .select_only()
            .column(Column::UserId)
            .filter(filter)
            .order_by_asc(order)
            .limit(limit)
            .into_tuple::<String>()
            .all(conn)
            .await?;
        if !users.is_empty() {
            return Ok(users);
        }
    }
    Ok(Vec::new())
}

/// Writes a standing down.
pub(crate) async fn save(conn: &impl ConnectionTrait, user: &str, kept: &Kept) -> Result<()> {
    let row = Model {
        user_id: user.to_owned(),
        tier: kept.standing.tier.number(),
        since: kept.standing.since,
        keep_until: kept.standing.keep_until,
        judged_at: kept.standing.judged_at,
        joined_at: Some(kept.standing.joined_at),
        due_at: kept.due_at,
        facts: kept.facts,
        changes: kept.changes,
        rules: kept.rules.clone(),
    };
    write(conn, vec![row.into_active_model()], Known::Replace(Column::UserId)).await
}

/// Adds changes; the first becomes the member's `first`-th.
pub(crate) async fn append(
    conn: &impl ConnectionTrait,
    user: &str,
    first: i64,
    changes: &[Change],
) -> Result<()> {
    let rows = changes.iter().zip(first..).map(|(change, number)| {
        tier_changes::Model {
            user_id: user.to_owned(),
            number,
            from_tier: change.from.number(),
            to_tier: change.to.number(),
            changed_at: change.at,
            keep_until: change.keep_until,
            cause: change.cause.number(),
            spend: change.metrics.spend,
            orders: change.metrics.orders,
            recommendations: change.metrics.recommendations,
            window_start: change.window_start,
            rule_version: change.version.clone(),
        }
        .into_active_model()
    });
    write(conn, rows.collect(), Known::Refuse).await
}

/// Drops a member's standing and its history.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    use tier_changes::Column as C;
    tier_changes::Entity::delete_many().filter(C::UserId.eq(user)).exec(conn).await?;
    Entity::delete_by_id(user.to_owned()).exec(conn).await?;
    Ok(())
}

/// A member's changes with their numbers, newest first, before the number given.
pub(crate) async fn history(
    conn: &impl ConnectionTrait,
    user: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<(i64, Change)>> {
    use tier_changes::Column as C;
    let mut query = tier_changes::Entity::find().filter(C::UserId.eq(user));
    if let Some(before) = before {
        query = query.filter(C::Number.lt(before));
    }
    let rows = query.order_by_desc(C::Number).limit(limit).all(conn).await?;
    rows.into_iter().map(|row| Ok((row.number, change(row)?))).collect()
}

/// A page of all standings by user, after the one given.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<(String, Kept)>> {
    let query = Entity::find().filter(Column::UserId.gt(after));
    let rows = query.order_by_asc(Column::UserId).limit(limit).all(conn).await?;
    rows.into_iter().map(|row| Ok((row.user_id.clone(), from_row(row)?))).collect()
}

fn from_row(row: Model) -> Result<Kept> {
    let tier = Tier::from_number(row.tier).ok_or_else(|| damaged("standings", row.tier))?;
    Ok(Kept {
        standing: Standing {
            tier,
            since: row.since,
            keep_until: row.keep_until,
            judged_at: row.judged_at,
            // Written down with every judgement; only somebody who is no member has none.
            joined_at: row.joined_at.unwrap_or(row.since),
        },
        due_at: row.due_at,
        facts: row.facts,
        changes: row.changes,
        rules: row.rules,
    })
}

fn change(row: tier_changes::Model) -> Result<Change> {
    let tier = |number| Tier::from_number(number).ok_or_else(|| damaged("tier_changes", number));
    let cause = Cause::from_number(row.cause);
    Ok(Change {
        from: tier(row.from_tier)?,
        to: tier(row.to_tier)?,
        at: row.changed_at,
        keep_until: row.keep_until,
        cause: cause.ok_or_else(|| damaged("tier_changes", row.cause))?,
        metrics: Metrics {
            spend: row.spend,
            orders: row.orders,
            recommendations: row.recommendations,
        },
        window_start: row.window_start,
        version: row.rule_version,
    })
}
