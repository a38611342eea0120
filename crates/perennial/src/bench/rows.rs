//! What the rows of an earning cost without Perennial: copies of those that an Earn of this run
//! wrote, in tables like its own, with the same columns, checks and indexes. The four-statement
//! posting of [`super::baseline`] is the least that a ledger can write; this is what this one does.

mod postgres;
mod sqlite;

pub(super) use postgres::postgres;
pub(super) use sqlite::sqlite;

/// A column, and what is an earning's own there.
type Own = (&'static str, &'static str);

/// How a database makes ids.
struct Ids {
    /// Out of `n`; those of entries, lots and events grow with time.
    ordered: &'static str,
    random: &'static str,
}

impl Ids {
    /// Tables that an earning adds a row to, with what is its own there; all else is as in the row
    /// that is copied. `n` counts earnings, `u` is the member.
    fn tables(&self) -> [(&'static str, Vec<Own>); 4] {
        let Self { ordered, random } = *self;
        [
            ("entries", vec![("seq", "n"), ("id", ordered), ("user_id", "u")]),
            ("requests", vec![("id", random)]),
            ("lots", vec![("id", ordered), ("user_id", "u"), ("entry_seq", "n")]),
            ("events", vec![("position", "n"), ("id", ordered), ("subject", "u")]),
        ]
    }
}

/// The insert that copies a row for each earning of `sent`, which has `n` and `u`.
fn insert(into: &str, copied: &str, columns: &[String], own: &[Own]) -> String {
    let value = |column: &String| {
        let own = own.iter().find(|(name, _)| name == column);
        own.map_or_else(|| format!("copied.{column}"), |(_, own)| (*own).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    format!(
        "INSERT INTO {into} ({}) SELECT {} FROM sent, {copied} AS copied",
        columns.join(", "),
        values.join(", "),
    )
}

/// One statement for the earnings that are `sent`.
fn with(sent: &str, statement: &str) -> String {
    format!("WITH sent AS (SELECT {sent}) {statement}")
}
