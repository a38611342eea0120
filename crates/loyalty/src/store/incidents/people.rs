//! What members did in the window of an incident.

use crate::domain::incident::{Filter, Person};
use crate::domain::{Tier, Time};
use crate::store::damaged;
use crate::store::rows::{entries, facts, members, memberships, tier_changes};
use perennial_platform::Result;
use perennial_platform::db::bulk::one_of;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Members after the one given, by user id, with what they did from one instant to before another.
/// Whoever was erased is left out, and whom the filter does not name.
pub(crate) async fn people(
    conn: &impl ConnectionTrait,
    (from, to): (Time, Time),
    filter: &Filter,
    after: &str,
    limit: u64,
) -> Result<Vec<Person>> {
    use members::Column as C;
    let mut query =
        members::Entity::find().filter(C::ClosedAt.is_null()).filter(C::UserId.gt(after));
    if !filter.users.is_empty() {
        query = query.filter(one_of(conn, C::UserId, filter.users.clone()));
    }
    let rows = query.order_by_asc(C::UserId).limit(limit).all(conn).await?;
    let users: Vec<String> = rows.iter().map(|row| row.user_id.clone()).collect();
    let bought = buyers(conn, &users, from, to).await?;
    let booked = posters(conn, &users, from, to).await?;
    let tiers = tiers_at(conn, &users, to).await?;
    let on_plan = on_plans(conn, &users, &filter.plans, from, to).await?;
    let person = |row: members::Model| Person {
        bought: bought.contains(&row.user_id),
        active: bought.contains(&row.user_id) || booked.contains(&row.user_id),
        tier: tiers.get(&row.user_id).copied().unwrap_or(Tier::Ordinary),
        on_plan: on_plan.contains(&row.user_id),
        joined_at: row.joined_at,
        user: row.user_id,
    };
    Ok(rows.into_iter().map(person).collect())
}

async fn buyers(
    conn: &impl ConnectionTrait,
    users: &[String],
    from: Time,
    to: Time,
) -> Result<BTreeSet<String>> {
    use facts::Column as C;
    let query = facts::Entity::find()
        .select_only()
        .column(C::UserId)
        .filter(one_of(conn, C::UserId, users.to_vec()))
        .filter(C::Refunds.is_null())
        // What else counts for tiers (a recommendation, a tier that was given) is no purchase.
        .filter(C::Orders.gt(0))
        .filter(C::OccurredAt.gte(from))
        .filter(C::OccurredAt.lt(to))
        .distinct();
    Ok(query.into_tuple::<String>().all(conn).await?.into_iter().collect())
}

/// Members who earned, spent or held points; what expired is nobody's doing.
async fn posters(
    conn: &impl ConnectionTrait,
    users: &[String],
    from: Time,
    to: Time,
) -> Result<BTreeSet<String>> {
    use entries::Column as C;
    let query = entries::Entity::find()
        .select_only()
        .column(C::UserId)
        .filter(one_of(conn, C::UserId, users.to_vec()))
        .filter(Expr::cust("kind IN (1, 2, 3, 4)"))
        .filter(C::OccurredAt.gte(from))
        .filter(C::OccurredAt.lt(to))
        .distinct();
    Ok(query.into_tuple::<String>().all(conn).await?.into_iter().collect())
}

/// The tiers that members had just before an instant, of those who had ever changed.
async fn tiers_at(
    conn: &impl ConnectionTrait,
    users: &[String],
    at: Time,
) -> Result<HashMap<String, Tier>> {
    use tier_changes::Column as C;
    let rows = tier_changes::Entity::find()
        .filter(one_of(conn, C::UserId, users.to_vec()))
        .filter(C::ChangedAt.lt(at))
        .order_by_asc(C::UserId)
        .order_by_asc(C::Number)
        .all(conn)
        .await?;
    let mut tiers = HashMap::new();
    for row in rows {
        let tier = Tier::from_number(row.to_tier);
        tiers.insert(row.user_id, tier.ok_or_else(|| damaged("tier_changes", row.to_tier))?);
    }
    Ok(tiers)
}

/// Members who had access to one of these plans at some time.
async fn on_plans(
    conn: &impl ConnectionTrait,
    users: &[String],
    plans: &[String],
    from: Time,
    to: Time,
) -> Result<BTreeSet<String>> {
    use memberships::stretches::Column as S;
    if plans.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mine: Vec<(Uuid, String)> = memberships::Entity::find()
        .select_only()
        .column(memberships::Column::Id)
        .column(memberships::Column::UserId)
        .filter(one_of(conn, memberships::Column::UserId, users.to_vec()))
        .into_tuple()
        .all(conn)
        .await?;
    let with_access: Vec<Uuid> = memberships::stretches::Entity::find()
        .select_only()
        .column(S::MembershipId)
        .filter(one_of(conn, S::MembershipId, mine.iter().map(|(id, _)| *id).collect()))
        .filter(S::Plan.is_in(plans))
        .filter(S::StartsAt.lt(to))
        .filter(S::EndsAt.gt(from))
        .distinct()
        .into_tuple()
        .all(conn)
        .await?;
    let with_access: BTreeSet<Uuid> = with_access.into_iter().collect();
    let mine = mine.into_iter().filter(|(id, _)| with_access.contains(id));
    Ok(mine.map(|(_, user)| user).collect())
}
