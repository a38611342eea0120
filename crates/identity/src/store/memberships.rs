//! Memberships in segments.

use super::CHUNK;
use super::rows::membership::{Column, Entity, Model};
use crate::domain::lifecycle::{Segment, SegmentSet};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::HashMap;

/// The segments of each of these users; one in none has no entry.
pub async fn of_users(
    conn: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, SegmentSet>> {
    let mut sets: HashMap<String, SegmentSet> = HashMap::new();
    for chunk in users.chunks(MAX_LISTED) {
        let query = Entity::find().filter(one_of(conn, Column::UserId, chunk.to_vec()));
        for row in query.all(conn).await? {
            if let Some(segment) = Segment::from_key(&row.segment) {
                sets.entry(row.user_id).or_default().insert(segment);
            }
        }
    }
    Ok(sets)
}

/// Users enter segments.
pub async fn enter(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    entering: &[(String, Segment)],
) -> Result<()> {
    for chunk in entering.chunks(CHUNK) {
        let rows = chunk.iter().map(|(user_id, segment)| {
            let row = Model {
                segment: segment.key().to_owned(),
                user_id: user_id.clone(),
                enter_time: now,
            };
            row.into_active_model().reset_all()
        });
        Entity::insert_many(rows).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Users leave segments.
pub async fn leave(conn: &impl ConnectionTrait, leaving: &[(String, Segment)]) -> Result<()> {
    for segment in Segment::ALL {
        let of_segment = leaving.iter().filter(|(_, left)| *left == segment);
        let users: Vec<String> = of_segment.map(|(user_id, _)| user_id.clone()).collect();
        for chunk in users.chunks(MAX_LISTED) {
            Entity::delete_many()
                .filter(Column::Segment.eq(segment.key()))
                .filter(one_of(conn, Column::UserId, chunk.to_vec()))
                .exec(conn)
                .await?;
        }
    }
    Ok(())
}

/// Takes a user out of every segment.
pub async fn delete(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(conn).await?;
    Ok(())
}

/// Members of a segment after an id, ordered by id: who and since when.
pub async fn page(
    conn: &impl ConnectionTrait,
    segment: Segment,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<(String, DateTime<Utc>)>> {
    let mut query = Entity::find().filter(Column::Segment.eq(segment.key()));
    if let Some(after) = after {
        query = query.filter(Column::UserId.gt(after));
    }
    let rows = query.order_by_asc(Column::UserId).limit(limit).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.enter_time)).collect())
}

/// The size of each segment that has members.
pub async fn counts(conn: &impl ConnectionTrait) -> Result<HashMap<String, i64>> {
    let counts: Vec<(String, i64)> = Entity::find()
        .select_only()
        .column(Column::Segment)
        .column_as(Column::UserId.count(), "members")
        .group_by(Column::Segment)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(counts.into_iter().collect())
}
