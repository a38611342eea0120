//! What is known about people, to find out whether two are one.

use crate::domain::Time;
use crate::domain::referral::Evidence;
use crate::domain::referral::signal::EvidenceKind;
use crate::store::rows::referrals::evidence::{Column, Entity, Model};
use perennial_platform::Result;
use perennial_platform::db::bulk::{Known, write};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect,
};
use uuid::Uuid;

/// Keeps what was said about a person, and by whom they were brought if it was said then.
pub(crate) async fn add(
    conn: &impl ConnectionTrait,
    user: &str,
    evidence: &Evidence,
    brought: Option<(&str, Time)>,
) -> Result<()> {
    let advocate = brought.map_or("", |(advocate, _)| advocate);
    let rows = evidence.0.iter().map(|(kind, hash)| {
        let name = format!("{} {hash} {advocate} {user}", kind.number());
        Model {
            id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            user_id: user.to_owned(),
            kind: kind.number(),
            hash: hash.clone(),
            brought_at: brought.map(|(_, at)| at),
            advocate_id: advocate.to_owned(),
        }
        .into_active_model()
    });
    write(conn, rows.collect(), Known::Keep(Column::Id)).await
}

/// Which of these pieces of evidence were said about a person as well.
pub(crate) async fn shared(
    conn: &impl ConnectionTrait,
    evidence: &Evidence,
    with: &str,
) -> Result<Vec<EvidenceKind>> {
    among(conn, evidence, Column::UserId.eq(with)).await
}

/// Which of them were said about friends whom an advocate brought.
pub(crate) async fn shared_among_friends(
    conn: &impl ConnectionTrait,
    evidence: &Evidence,
    advocate: &str,
) -> Result<Vec<EvidenceKind>> {
    among(conn, evidence, Column::AdvocateId.eq(advocate)).await
}

async fn among(
    conn: &impl ConnectionTrait,
    evidence: &Evidence,
    whose: sea_orm::sea_query::Expr,
) -> Result<Vec<EvidenceKind>> {
    if evidence.0.is_empty() {
        return Ok(Vec::new());
    }
    let same = evidence.0.iter().fold(Condition::any(), |any, (kind, hash)| {
        any.add(Column::Kind.eq(kind.number()).and(Column::Hash.eq(hash)))
    });
    let kinds: Vec<i16> = Entity::find()
        .select_only()
        .distinct()
        .column(Column::Kind)
        .filter(same)
        .filter(whose)
        .into_tuple()
        .all(conn)
        .await?;
    let known = evidence.0.iter().map(|(kind, _)| *kind);
    Ok(known.filter(|kind| kinds.contains(&kind.number())).collect())
}

/// How many people were brought after an instant of whom this was said, by whomever.
pub(crate) async fn brought_with(
    conn: &impl ConnectionTrait,
    kind: EvidenceKind,
    hash: &str,
    after: Time,
) -> Result<i64> {
    let count = Entity::find()
        .filter(Column::Kind.eq(kind.number()))
        .filter(Column::Hash.eq(hash))
        .filter(Column::BroughtAt.gt(after))
        .count(conn)
        .await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Drops what is known about a person.
pub(crate) async fn delete(conn: &impl ConnectionTrait, user: &str) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(conn).await?;
    Ok(())
}
