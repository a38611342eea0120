//! Plans by content: what was promised to a million tickets is kept a handful of times.

use super::rows::plans::{ActiveModel, Column, Entity};
use crate::domain::policy::Plan;
use crate::ids::PlanId;
use perennial_platform::error::{Error, Result};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// The plan's identifier and its written form.
fn write(plan: &Plan) -> Result<(PlanId, String)> {
    let body = serde_json::to_string(plan).map_err(Error::internal)?;
    Ok((PlanId::derived(&body), body))
}

/// The identifier that this content has.
pub(super) fn id_of(plan: &Plan) -> Result<Uuid> {
    Ok(write(plan)?.0.uuid())
}

/// Keeps the plans that are not there yet.
pub(super) async fn keep<'p>(
    db: &impl ConnectionTrait,
    plans: impl IntoIterator<Item = &'p Plan>,
) -> Result<()> {
    let mut rows = BTreeMap::new();
    for plan in plans {
        let (id, body) = write(plan)?;
        rows.insert(id.uuid(), ActiveModel { id: Set(id.uuid()), body: Set(body) });
    }
    if rows.is_empty() {
        return Ok(());
    }
    let there = OnConflict::column(Column::Id).do_nothing().to_owned();
    Entity::insert_many(rows.into_values()).on_conflict(there).exec_without_returning(db).await?;
    Ok(())
}

/// The plans with these identifiers, which may repeat.
pub(super) async fn load(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Arc<Plan>>> {
    let ids: BTreeSet<Uuid> = ids.into_iter().collect();
    let rows = super::listed(db, Entity::find(), Column::Id, ids.into_iter().collect()).await?;
    rows.into_iter()
        .map(|row| {
            let plan = serde_json::from_str(&row.body).map_err(Error::internal)?;
            Ok((row.id, Arc::new(plan)))
        })
        .collect()
}
