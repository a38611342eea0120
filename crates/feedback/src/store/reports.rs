//! Weekly reports, and the counts they are made of.

use super::decode;
use super::feedback::tags;
use super::rows::{feedback, weekly_reports};
use crate::domain::kinds::{Category, Channel, Coded, QuickTag};
use chrono::{DateTime, Utc};
use perennial_platform::error::{Error, Result};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The report on one ISO week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// "2026-W47".
    pub(crate) week: String,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) counts: Counts,
}

/// What came in, most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) channels: Vec<(Channel, i64)>,
    pub(crate) categories: Vec<(Category, i64)>,
    pub(crate) quick_tags: Vec<(QuickTag, i64)>,
}

/// Counts the feedback that came in during `[start, end)`.
pub(crate) async fn count(
    db: &impl ConnectionTrait,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<Counts> {
    use feedback::Column;
    let rows: Vec<(i16, i16, i16, i64)> = feedback::Entity::find()
        .select_only()
        .columns([Column::Channel, Column::Category, Column::Tags])
        .column_as(Column::Id.count(), "count")
        .filter(Column::CreatedAt.gte(start))
        .filter(Column::CreatedAt.lt(end))
        .group_by(Column::Channel)
        .group_by(Column::Category)
        .group_by(Column::Tags)
        .into_tuple()
        .all(db)
        .await?;
    let (mut channels, mut categories, mut quick_tags) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (channel, category, bits, count) in rows {
        *channels.entry(channel).or_default() += count;
        *categories.entry(category).or_default() += count;
        for tag in tags(bits) {
            *quick_tags.entry(tag.code()).or_default() += count;
        }
    }
    Ok(Counts {
        channels: ranked(channels)?,
        categories: ranked(categories)?,
        quick_tags: ranked(quick_tags)?,
    })
}

fn ranked<T: Coded>(counts: BTreeMap<i16, i64>) -> Result<Vec<(T, i64)>> {
    let mut list: Vec<_> = counts.into_iter().collect();
    list.sort_by_key(|(code, count)| (Reverse(*count), *code));
    list.into_iter().map(|(code, count)| Ok((decode(code)?, count))).collect()
}

/// Keeps a report; one that is there already stays as it is.
pub(crate) async fn keep(db: &impl ConnectionTrait, report: &Report) -> Result<()> {
    let row = weekly_reports::Model {
        week: report.week.clone(),
        start_at: report.start,
        end_at: report.end,
        body: serde_json::to_string(&report.counts).map_err(Error::internal)?,
        created_at: report.created,
    };
    let there = OnConflict::column(weekly_reports::Column::Week).do_nothing().to_owned();
    weekly_reports::Entity::insert(row.into_active_model())
        .on_conflict(there)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// The report on a week, or the latest.
pub(crate) async fn find(db: &impl ConnectionTrait, week: Option<&str>) -> Result<Option<Report>> {
    use weekly_reports::{Column, Entity};
    let query = match week {
        Some(week) => Entity::find_by_id(week),
        None => Entity::find().order_by_desc(Column::StartAt),
    };
    let Some(row) = query.one(db).await? else { return Ok(None) };
    Ok(Some(Report {
        counts: serde_json::from_str(&row.body).map_err(Error::internal)?,
        week: row.week,
        start: row.start_at,
        end: row.end_at,
        created: row.created_at,
    }))
}

/// When the first feedback came in.
pub(crate) async fn first_feedback(db: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>> {
    use feedback::Column::CreatedAt;
    let query = feedback::Entity::find().select_only().column(CreatedAt).order_by_asc(CreatedAt);
    Ok(query.into_tuple().one(db).await?)
}
