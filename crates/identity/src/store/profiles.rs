//! Profiles: the clear part and the sealed part.

use super::rows::profile::{Column, Entity, Model};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::bulk::{MAX_LISTED, one_of};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter,
};

/// What is stored of a profile. Personal values are in `sealed` and in no other column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract describes each field")]
pub struct StoredProfile {
    pub user_id: String,
    /// The user's key, wrapped by the master key; destroyed with the row.
    pub wrapped_key: Vec<u8>,
    /// Personal values under the user's key.
    pub sealed: Vec<u8>,
    /// Keyed hashes for equality look-ups; `None` when there is no such value.
    pub email_hash: Option<Vec<u8>>,
    pub phone_hash: Option<Vec<u8>>,
    pub locale: String,
    pub time_zone: String,
    pub acquisition_channel: String,
    pub revision: i64,
    pub update_time: DateTime<Utc>,
}

/// The profiles of these users that exist.
pub async fn find(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<StoredProfile>> {
    let mut profiles = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(MAX_LISTED) {
        let query = Entity::find().filter(one_of(conn, Column::UserId, chunk.to_vec()));
        profiles.extend(query.all(conn).await?.into_iter().map(StoredProfile::from));
    }
    Ok(profiles)
}

/// One profile.
pub async fn get(conn: &impl ConnectionTrait, user_id: &str) -> Result<Option<StoredProfile>> {
    Ok(Entity::find_by_id(user_id).one(conn).await?.map(StoredProfile::from))
}

/// Writes a profile, new or not.
pub async fn save(conn: &impl ConnectionTrait, profile: StoredProfile) -> Result<()> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::UserId));
    let replace = OnConflict::column(Column::UserId).update_columns(columns).to_owned();
    let row = Model::from(profile).into_active_model().reset_all();
    Entity::insert(row).on_conflict(replace).exec_without_returning(conn).await?;
    Ok(())
}

/// Destroys a profile and its key.
pub async fn delete(conn: &impl ConnectionTrait, user_id: &str) -> Result<()> {
    Entity::delete_by_id(user_id).exec(conn).await?;
    Ok(())
}

impl From<Model> for StoredProfile {
    fn from(row: Model) -> Self {
        Self {
            user_id: row.user_id,
            wrapped_key: row.wrapped_key,
            sealed: row.sealed,
            email_hash: row.email_hash,
            phone_hash: row.phone_hash,
            locale: row.locale,
            time_zone: row.time_zone,
            acquisition_channel: row.acquisition_channel,
            revision: row.revision,
            update_time: row.update_time,
        }
    }
}

impl From<StoredProfile> for Model {
    fn from(profile: StoredProfile) -> Self {
        Self {
            user_id: profile.user_id,
            wrapped_key: profile.wrapped_key,
            sealed: profile.sealed,
            email_hash: profile.email_hash,
            phone_hash: profile.phone_hash,
            locale: profile.locale,
            time_zone: profile.time_zone,
            acquisition_channel: profile.acquisition_channel,
            revision: profile.revision,
            update_time: profile.update_time,
        }
    }
}
