//! Many rows in one statement.
//!
//! On Postgres the rows go as one array a column (UNNEST), so a statement has the same text however
//! many rows there are: each connection parses it once, where a list of VALUES would be another
//! statement for every size of a batch. On SQLite, which parses in our own process, a list will do.

use super::defer;
use crate::error::{Error, Result};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{ArrayType, Expr, ExprTrait, OnConflict, ValueType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, EntityName, EntityTrait,
    Iterable, Statement, Value,
};

/// Values that SQLite binds in one statement.
const MAX_BOUND: usize = 32_766;
/// Values compared with at once.
pub const MAX_LISTED: usize = 10_000;

/// What becomes of a row whose key is there already.
#[derive(Debug, Clone, Copy)]
pub enum Known<C> {
    /// It is an error.
    Refuse,
    /// The row that is there stays.
    Keep(C),
    /// All its other columns are replaced.
    Replace(C),
}

/// Writes rows, all of which have the same columns set. In a transaction on Postgres they are sent
/// when it reads or commits. Errors, then at the latest: ABORTED for a key that is there already,
/// where that is not allowed.
pub async fn write<A>(
    conn: &impl ConnectionTrait,
    mut rows: Vec<A>,
    known: Known<<A::Entity as EntityTrait>::Column>,
) -> Result<()>
where
    A: ActiveModelTrait + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    if conn.get_database_backend() == DbBackend::Postgres {
        let mut statement = unnest(&mut rows, known, None)?;
        statement.sql = defer::mark(A::Entity::default().table_name(), &statement.sql);
        conn.execute_raw(statement).await?;
        return Ok(());
    }
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows.by_ref().take(MAX_BOUND / columns).collect();
        let insert = <A::Entity as EntityTrait>::insert_many(chunk);
        match on_conflict(known) {
            Some(conflict) => insert.on_conflict(conflict).exec_without_returning(conn),
            None => insert.exec_without_returning(conn),
        }
        .await?;
    }
    Ok(())
}

/// For Postgres, the statement that writes new rows after `lock`, a call that takes one, was
/// evaluated: in the same statement, because that is a round trip less. Takes the values out of them.
pub(super) fn write_under<A: ActiveModelTrait>(
    rows: &mut [A],
    lock: Option<&str>,
) -> Result<Statement> {
    unnest(rows, Known::Refuse, lock)
}

/// `column IN (values)`, on Postgres as one array for the same reason.
pub fn one_of<C, V>(conn: &impl ConnectionTrait, column: C, values: Vec<V>) -> Expr
where
    C: ColumnTrait,
    V: Into<Value>,
    Vec<V>: Into<Value>,
{
    match conn.get_database_backend() {
        DbBackend::Postgres => column.into_expr().eq(PgFunc::any(Expr::value(values))),
        _ => column.is_in(values),
    }
}

fn others<C: ColumnTrait>(key: C) -> impl Iterator<Item = C> {
    C::iter().filter(move |column| column.as_str() != key.as_str())
}

fn on_conflict<C: ColumnTrait>(known: Known<C>) -> Option<OnConflict> {
    match known {
        Known::Refuse => None,
        Known::Keep(key) => Some(OnConflict::column(key).do_nothing().to_owned()),
        Known::Replace(key) => Some(OnConflict::column(key).update_columns(others(key)).to_owned()),
    }
}

/// One column of the rows: how it is sent, and what is selected from it.
struct Sent {
    values: Value,
    cast: &'static str,
    select: String,
}

/// Takes the values out of the rows.
fn unnest<A: ActiveModelTrait>(
    rows: &mut [A],
    known: Known<<A::Entity as EntityTrait>::Column>,
    lock: Option<&str>,
) -> Result<Statement> {
    let is_set = |c: &<A::Entity as EntityTrait>::Column| {
        rows.first().is_some_and(|row| row.get(*c).into_value().is_some())
    };
    let columns: Vec<_> = <A::Entity as EntityTrait>::Column::iter().filter(is_set).collect();
    let mut sent = Vec::with_capacity(columns.len());
    for (place, column) in columns.iter().enumerate() {
        let values = rows.iter_mut().map(|row| row.take(*column).into_value()).collect();
        sent.push(send(*column, place, values)?);
    }
    let list = |part: &dyn Fn(usize, &Sent) -> String| {
        let parts: Vec<String> = sent.iter().enumerate().map(|(n, s)| part(n, s)).collect();
        parts.join(", ")
    };
    let quoted = |column: &_| format!("\"{}\"", sea_orm::IdenStatic::as_str(column));
    let names: Vec<String> = columns.iter().map(quoted).collect();
    let conflict = match known {
        Known::Refuse => String::new(),
        Known::Keep(key) => format!(" ON CONFLICT ({}) DO NOTHING", quoted(&key)),
        Known::Replace(key) => {
            let set = others(key).map(|c| format!("{0} = EXCLUDED.{0}", quoted(&c)));
            let set: Vec<String> = set.collect();
            format!(" ON CONFLICT ({}) DO UPDATE SET {}", quoted(&key), set.join(", "))
        }
    };
    let table = A::Entity::default();
    let lock = lock.map_or(String::new(), |call| format!("(SELECT {call}) AS lock, "));
    let sql = format!(
        "INSERT INTO \"{}\" ({}) SELECT {} FROM {lock}UNNEST({}) AS sent ({}){conflict}",
        table.table_name(),
        names.join(", "),
        list(&|_, s| s.select.clone()),
        list(&|n, s| format!("${}::{}[]", n + 1, s.cast)),
        list(&|n, _| format!("c{n}")),
    );
    let values = sent.into_iter().map(|s| s.values);
    Ok(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
}

/// Arrays of these drivers hold no NULL, so columns that may be NULL are sent as texts: NULL as the
/// empty one, everything else after a mark that tells it apart.
fn send<C: ColumnTrait>(column: C, place: usize, values: Vec<Option<Value>>) -> Result<Sent> {
    let definition = column.def();
    let (cast, kind) = match definition.get_column_type() {
        ColumnType::BigInteger => ("bigint", ArrayType::BigInt),
        ColumnType::Integer => ("integer", ArrayType::Int),
        ColumnType::SmallInteger => ("smallint", ArrayType::SmallInt),
        ColumnType::String(_) | ColumnType::Text => ("text", ArrayType::String),
        ColumnType::Boolean => ("boolean", ArrayType::Bool),
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => {
            ("bytea", ArrayType::Bytes)
        }
        ColumnType::Uuid => ("uuid", ArrayType::Uuid),
        ColumnType::TimestampWithTimeZone => ("timestamptz", ArrayType::ChronoDateTimeUtc),
        other => return Err(Error::internal(format!("no array of {other:?} is known"))),
    };
    let unset = || Error::internal(format!("{} is not set", column.as_str()));
    let values: Vec<Value> =
        values.into_iter().map(|value| value.ok_or_else(unset)).collect::<Result<_>>()?;
    if !definition.is_null() {
        let values = Value::Array(kind, Some(Box::new(values)));
        return Ok(Sent { values, cast, select: format!("c{place}") });
    }
    let texts = values.iter().map(text).collect::<Result<_>>()?;
    let values = Value::Array(String::array_type(), Some(Box::new(texts)));
    let plain = format!("SUBSTR(NULLIF(c{place}, ''), 2)");
    let select = if cast == "bytea" {
        format!("DECODE({plain}, 'hex')")
    } else {
        format!("{plain}::{cast}")
    };
    Ok(Sent { values, cast: "text", select })
}

fn text(value: &Value) -> Result<Value> {
    let plain = match value {
        Value::Uuid(it) => it.map(|uuid| uuid.to_string()),
        Value::ChronoDateTimeUtc(it) => it.map(|time| time.to_rfc3339()),
        Value::BigInt(it) => it.map(|number| number.to_string()),
        Value::Int(it) => it.map(|number| number.to_string()),
        Value::SmallInt(it) => it.map(|number| number.to_string()),
        Value::Bool(it) => it.map(|truth| truth.to_string()),
        Value::String(it) => it.clone(),
        Value::Bytes(it) => it.as_ref().map(hex::encode),
        other => {
            return Err(Error::internal(format!("{other:?} cannot be sent where NULL may stand")));
        }
    };
    Ok(Value::from(plain.map_or(String::new(), |plain| format!("={plain}"))))
}
