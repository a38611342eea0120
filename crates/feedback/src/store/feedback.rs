//! Feedback as it came in. The words go in and out sealed.

use super::rows::feedback::{Column, Entity, Model};
use super::{ROWS_PER_INSERT, decode};
use crate::domain::kinds::{Category, Channel, Coded, QuickTag};
use crate::ids::FeedbackId;
use chrono::{DateTime, Utc};
use perennial_platform::error::Result;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashMap;
use uuid::Uuid;

/// One piece of feedback.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: FeedbackId,
    pub(crate) user_id: String,
    pub(crate) channel: Channel,
    pub(crate) category: Category,
    pub(crate) tags: Vec<QuickTag>,
    pub(crate) rating: Option<i16>,
    /// Sealed text, context and attachments; none after an erasure.
    pub(crate) words: Option<Vec<u8>>,
    pub(crate) interview: Option<DateTime<Utc>>,
    /// The caller's system and its own id.
    pub(crate) source: Option<Source>,
    pub(crate) created: DateTime<Utc>,
}

/// A caller's system and its own id of the submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) system: String,
    pub(crate) event_id: String,
}

fn bits(tags: &[QuickTag]) -> i16 {
    tags.iter().fold(0, |bits, tag| bits | 1 << tag.code())
}

/// The tags that these bits stand for.
pub(super) fn tags(bits: i16) -> Vec<QuickTag> {
    QuickTag::ALL.iter().copied().filter(|tag| bits & (1 << tag.code()) != 0).collect()
}

fn row(record: &Record) -> Model {
    Model {
        id: record.id.uuid(),
        user_id: record.user_id.clone(),
        channel: record.channel.code(),
        category: record.category.code(),
        tags: bits(&record.tags),
        rating: record.rating,
        words: record.words.clone(),
        interview_at: record.interview,
        source: record.source.as_ref().map(|source| source.system.clone()),
        source_event_id: record.source.as_ref().map(|source| source.event_id.clone()),
        created_at: record.created,
    }
}

fn record(row: Model) -> Result<Record> {
    let source = row.source.zip(row.source_event_id);
    Ok(Record {
        id: row.id.into(),
        user_id: row.user_id,
        channel: decode(row.channel)?,
        category: decode(row.category)?,
        tags: tags(row.tags),
        rating: row.rating,
        words: row.words,
        interview: row.interview_at,
        source: source.map(|(system, event_id)| Source { system, event_id }),
        created: row.created_at,
    })
}

/// Writes new feedback.
pub(crate) async fn insert(db: &impl ConnectionTrait, records: &[Record]) -> Result<()> {
    for chunk in records.chunks(ROWS_PER_INSERT) {
        let rows = chunk.iter().map(|record| row(record).into_active_model());
        Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// One piece of feedback.
pub(crate) async fn find(db: &impl ConnectionTrait, id: FeedbackId) -> Result<Option<Record>> {
    Entity::find_by_id(id.uuid()).one(db).await?.map(record).transpose()
}

/// Feedback taken in before from these sources, with whose it is.
pub(crate) async fn by_source(
    db: &impl ConnectionTrait,
    sources: &[&Source],
) -> Result<HashMap<Source, (FeedbackId, String)>> {
    if sources.is_empty() {
        return Ok(HashMap::new());
    }
    // By event id alone, which the index leads with; other systems' namesakes fall out below.
    let ids = sources.iter().map(|source| source.event_id.as_str());
    let rows = Entity::find().filter(Column::SourceEventId.is_in(ids)).all(db).await?;
    let rows = rows.into_iter().map(record).collect::<Result<Vec<_>>>()?;
    let known = rows.into_iter().filter_map(|r| Some((r.source?, (r.id, r.user_id))));
    Ok(known.filter(|(source, _)| sources.contains(&source)).collect())
}

/// What a list of feedback is narrowed to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    pub(crate) user_id: Option<String>,
    pub(crate) channel: Option<Channel>,
    pub(crate) category: Option<Category>,
}

/// The next feedback of a list, newest first, after the one given.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<FeedbackId>,
    limit: u64,
) -> Result<Vec<Record>> {
    let condition = Condition::all()
        .add_option(filter.user_id.as_ref().map(|user| Column::UserId.eq(user)))
        .add_option(filter.channel.map(|channel| Column::Channel.eq(channel.code())))
        .add_option(filter.category.map(|category| Column::Category.eq(category.code())))
        .add_option(after.map(|id| Column::Id.lt(id.uuid())));
    let query = Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit);
    query.all(db).await?.into_iter().map(record).collect()
}

/// All feedback in order, from the first after the one given.
pub(crate) async fn scan(
    db: &impl ConnectionTrait,
    after: Option<FeedbackId>,
    limit: u64,
) -> Result<Vec<Record>> {
    let after = Condition::all().add_option(after.map(|id| Column::Id.gt(id.uuid())));
    let query = Entity::find().filter(after).order_by_asc(Column::Id).limit(limit);
    query.all(db).await?.into_iter().map(record).collect()
}

/// The user of each of these pieces of feedback.
pub(crate) async fn users(
    db: &impl ConnectionTrait,
    ids: &[FeedbackId],
) -> Result<HashMap<FeedbackId, String>> {
    let rows: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId])
        .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(id, user)| (id.into(), user)).collect())
}

/// Drops the words of a user, and when they wanted to be met.
pub(crate) async fn erase(db: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::InterviewAt, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::Words, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Users of whom words are kept, in order, after the one given.
pub(crate) async fn authors_of_words(
    db: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<String>> {
    super::users_with(db, Entity::find(), Column::UserId, Column::Words, after, limit).await
}
