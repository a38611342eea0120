//! Versions of the rules.

use super::damaged;
use super::rows::rules::versions::{Column, Entity, Model};
use crate::domain::RuleVersion;
use crate::domain::rules::{Class, Recorded, RuleState};
use perennial_platform::db::bulk::{Known, write};
use perennial_platform::{Error, Result};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
};

/// All versions, in the order of recording.
pub(crate) async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Recorded>> {
    let rows = Entity::find().order_by_asc(Column::Number).all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// One version.
pub(crate) async fn find(conn: &impl ConnectionTrait, version: &str) -> Result<Option<Recorded>> {
    Entity::find_by_id(version.to_owned()).one(conn).await?.map(from_row).transpose()
}

/// How many versions there are.
pub(crate) async fn count(conn: &impl ConnectionTrait) -> Result<i64> {
    i64::try_from(Entity::find().count(conn).await?).map_err(Error::internal)
}

/// The version that is announced; there is one at most.
pub(crate) async fn announced(conn: &impl ConnectionTrait) -> Result<Option<Recorded>> {
    let query = Entity::find().filter(Column::State.eq(RuleState::Announced.number()));
    query.one(conn).await?.map(from_row).transpose()
}

/// Writes versions down.
pub(crate) async fn save(conn: &impl ConnectionTrait, versions: Vec<Recorded>) -> Result<()> {
    let rows = versions.into_iter().map(into_row).collect::<Result<Vec<Model>>>()?;
    let rows = rows.into_iter().map(Model::into_active_model).collect();
    write(conn, rows, Known::Replace(Column::Version)).await
}

/// Forgets all versions: while there is no member, nobody was promised anything.
pub(crate) async fn clear(conn: &impl ConnectionTrait) -> Result<()> {
    Entity::delete_many().exec(conn).await?;
    Ok(())
}

fn into_row(recorded: Recorded) -> Result<Model> {
    let document = serde_json::to_string(&recorded.rules).map_err(Error::internal)?;
    Ok(Model {
        version: recorded.rules.version,
        number: recorded.number,
        document,
        state: recorded.state.number(),
        proposer: recorded.proposer,
        approver: recorded.approver,
        proposed_at: recorded.proposed_at,
        announced_at: recorded.announced_at,
        noticed_at: recorded.noticed_at,
        activated_at: recorded.activated_at,
        withdrawn_at: recorded.withdrawn_at,
        asked_new: recorded.asked_new,
        asked_existing: recorded.asked_existing,
        effective_new: recorded.effective_new,
        effective_existing: recorded.effective_existing,
        class: recorded.class.map_or(0, Class::number),
        supersedes: recorded.supersedes,
        report: recorded.report,
    })
}

fn from_row(row: Model) -> Result<Recorded> {
    let unread = |what: String| damaged("rule_versions", what);
    let rules: RuleVersion = serde_json::from_str(&row.document)
        .map_err(|fault| unread(format!("{}: {fault}", row.version)))?;
    let state = RuleState::from_number(row.state).ok_or_else(|| unread(row.state.to_string()))?;
    Ok(Recorded {
        rules,
        number: row.number,
        state,
        proposer: row.proposer,
        approver: row.approver,
        proposed_at: row.proposed_at,
        announced_at: row.announced_at,
        noticed_at: row.noticed_at,
        activated_at: row.activated_at,
        withdrawn_at: row.withdrawn_at,
        asked_new: row.asked_new,
        asked_existing: row.asked_existing,
        effective_new: row.effective_new,
        effective_existing: row.effective_existing,
        class: Class::from_number(row.class),
        supersedes: row.supersedes,
        report: row.report,
    })
}
