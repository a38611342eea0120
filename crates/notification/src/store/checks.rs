//! Rules that the data on disk must keep, as questions to the database.

use super::rows::message::{Column, Entity};
use crate::domain::kinds::State;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Ids of messages that break a rule of the data on disk, with the rule.
pub async fn broken(
    conn: &impl ConnectionTrait,
    overdue_before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(&'static str, Uuid)>> {
    let mut found = Vec::new();
    for (rule, condition) in rules(overdue_before) {
        let ids: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(condition)
            .limit(limit)
            .into_tuple()
            .all(conn)
            .await?;
        found.extend(ids.into_iter().map(|id| (rule, id)));
    }
    Ok(found)
}

/// What a message must not be, in words that follow its id.
fn rules(overdue_before: DateTime<Utc>) -> [(&'static str, Condition); 6] {
    let state_in = |states: &[State]| Column::State.is_in(states.iter().map(|s| s.code()));
    let held = [State::Scheduled, State::Held, State::Dropped, State::Cancelled, State::Dead];
    let waiting = [State::Scheduled, State::Held, State::Unknown, State::Failed, State::Claimed];
    let ended = [State::Sent, State::Dead, State::Dropped, State::Cancelled];
    [
        (
            "holds a cap slot without having been sent or claimed",
            Condition::all()
                .add(state_in(&held))
                .add(Column::SlotAt.is_not_null())
                .add(Column::MaybeSent.eq(false)),
        ),
        ("is overdue", Condition::all().add(Column::DueAt.lt(overdue_before))),
        (
            "waits without a next time",
            Condition::all().add(state_in(&waiting)).add(Column::DueAt.is_null()),
        ),
        (
            "has ended and still has a next time",
            Condition::all().add(state_in(&ended)).add(Column::DueAt.is_not_null()),
        ),
        (
            "is sent without a time of sending or a template version",
            Condition::all().add(state_in(&[State::Sent])).add(
                Condition::any().add(Column::SentAt.is_null()).add(Column::TemplateVersion.eq(0)),
            ),
        ),
        (
            "has a decision of its own missing",
            Condition::all()
                .add(state_in(&[State::Held, State::Claimed, State::Sent, State::Dropped]))
                .add(Column::Decision.eq("")),
        ),
    ]
}

/// Dedupe keys that stand on more than one message; there must be none.
pub async fn doubled_keys(conn: &impl ConnectionTrait) -> Result<Vec<(String, i16, String)>> {
    Ok(Entity::find()
        .select_only()
        .columns([Column::UserId, Column::Channel, Column::DedupeKey])
        .group_by(Column::UserId)
        .group_by(Column::Channel)
        .group_by(Column::DedupeKey)
        .having(Column::Id.count().gt(1))
        .into_tuple()
        .all(conn)
        .await?)
}
