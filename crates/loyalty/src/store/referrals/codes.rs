//! The codes that bring friends.

use crate::domain::Time;
use crate::store::rows::referrals::codes::{Column, Entity, Model};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};

/// Whose code it is.
pub(crate) async fn owner(conn: &impl ConnectionTrait, code: &str) -> Result<Option<String>> {
    let row = Entity::find_by_id(code.to_owned()).one(conn).await?;
    Ok(row.map(|row| row.user_id))
}

/// How many codes a member has.
pub(crate) async fn count(conn: &impl ConnectionTrait, user: &str) -> Result<u64> {
    Ok(Entity::find().filter(Column::UserId.eq(user)).count(conn).await?)
}

/// Keeps a new code.
pub(crate) async fn add(
    conn: &impl ConnectionTrait,
    code: &str,
    user: &str,
    now: Time,
) -> Result<()> {
    let row = Model { code: code.to_owned(), user_id: user.to_owned(), created_at: now };
    write(conn, vec![row.into_active_model()], Known::Refuse).await
}

/// Drops a member's codes.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(conn).await?;
    Ok(())
}
