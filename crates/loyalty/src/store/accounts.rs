//! Members and their accounts.

use super::rows::members::{ActiveModel, Column, Entity, Model};
use crate::domain::{Account, Time};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, one_of, write};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// One member.
pub(crate) async fn find(conn: &impl ConnectionTrait, user: &str) -> Result<Option<Account>> {
    Ok(Entity::find_by_id(user.to_owned()).one(conn).await?.map(from_row))
}

/// Those of these users who are members.
pub(crate) async fn find_all(
    conn: &impl ConnectionTrait,
    users: impl IntoIterator<Item = &str>,
) -> Result<Vec<Account>> {
    let users: Vec<String> = users.into_iter().map(str::to_owned).collect();
    let query = Entity::find().filter(one_of(conn, Column::UserId, users));
    Ok(query.all(conn).await?.into_iter().map(from_row).collect())
}

/// Writes new and changed accounts.
pub(crate) async fn save(conn: &impl ConnectionTrait, accounts: Vec<Account>) -> Result<()> {
    write(conn, accounts.into_iter().map(into_row).collect(), Known::Replace(Column::UserId)).await
}

/// Makes a user a member who is not one yet.
pub(crate) async fn enrol(conn: &impl ConnectionTrait, user: &str, now: Time) -> Result<()> {
    write(conn, vec![into_row(Account::open(user, now))], Known::Keep(Column::UserId)).await
}

pub(super) fn from_row(row: Model) -> Account {
    Account {
        user: row.user_id,
        joined_at: row.joined_at,
        closed_at: row.closed_at,
        available: row.available,
        held: row.held,
        escrow: row.escrow,
        debt: row.debt,
        issued: row.issued,
        redeemed: row.redeemed,
        expired: row.expired,
        reversed: row.reversed,
        transferred: row.transferred,
    }
}

fn into_row(account: Account) -> ActiveModel {
    Model {
        user_id: account.user,
        joined_at: account.joined_at,
        closed_at: account.closed_at,
        available: account.available,
        held: account.held,
        escrow: account.escrow,
        debt: account.debt,
        issued: account.issued,
        redeemed: account.redeemed,
        expired: account.expired,
        reversed: account.reversed,
        transferred: account.transferred,
    }
    .into_active_model()
}
