//! Versions of templates.

use super::rows::template::{ActiveModel, Column, Entity, Model};
use crate::domain::template::Template;
use perennial_platform::{Error, Result};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;

impl Model {
    fn read(self) -> Result<Template> {
        Ok(Template {
            name: self.name,
            version: self.version,
            texts: serde_json::from_str(&self.texts).map_err(Error::internal)?,
            variables: serde_json::from_str(&self.variables).map_err(Error::internal)?,
            created_at: self.created_at,
        })
    }
}

fn write(template: &Template) -> Result<ActiveModel> {
    Ok(ActiveModel {
        name: Set(template.name.clone()),
        version: Set(template.version),
        texts: Set(serde_json::to_string(&template.texts).map_err(Error::internal)?),
        variables: Set(serde_json::to_string(&template.variables).map_err(Error::internal)?),
        created_at: Set(template.created_at),
    })
}

/// Stores a version. Errors: ABORTED when another call stored the same one first.
pub async fn insert(conn: &impl ConnectionTrait, template: &Template) -> Result<()> {
    Entity::insert(write(template)?).exec_without_returning(conn).await?;
    Ok(())
}

/// Stores versions that are not there yet, as at start.
pub async fn seed(conn: &impl ConnectionTrait, templates: &[Template]) -> Result<()> {
    let rows = templates.iter().map(write).collect::<Result<Vec<_>>>()?;
    let there = OnConflict::columns([Column::Name, Column::Version]).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(there).exec_without_returning(conn).await?;
    Ok(())
}

/// One version; `None` as version = the newest.
pub async fn one(
    conn: &impl ConnectionTrait,
    name: &str,
    version: Option<i32>,
) -> Result<Option<Template>> {
    let mut query = Entity::find().filter(Column::Name.eq(name));
    if let Some(version) = version {
        query = query.filter(Column::Version.eq(version));
    }
    query.order_by_desc(Column::Version).one(conn).await?.map(Model::read).transpose()
}

/// The newest versions of some templates, by name.
pub async fn newest(
    conn: &impl ConnectionTrait,
    names: &[String],
) -> Result<HashMap<String, Template>> {
    // Few versions of few names: read them all, keep the last of each.
    let rows = Entity::find()
        .filter(Column::Name.is_in(names))
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Version)
        .all(conn)
        .await?;
    rows.into_iter().map(|row| Ok((row.name.clone(), row.read()?))).collect()
}

/// The newest version of every template after `after`, by name.
pub async fn list(
    conn: &impl ConnectionTrait,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<Template>> {
    let mut query = Entity::find().select_only().column(Column::Name).distinct();
    if let Some(after) = after {
        query = query.filter(Column::Name.gt(after));
    }
    let names: Vec<String> =
        query.order_by_asc(Column::Name).limit(limit).into_tuple().all(conn).await?;
    let mut found = self::newest(conn, &names).await?;
    Ok(names.iter().filter_map(|name| found.remove(name)).collect())
}
