//! Writes that nobody waits for until the transaction reads or ends.
//!
//! On Postgres every statement is a round trip, and a batch of a hot path is done when the last of
//! them has come back. Writes that `bulk` marks as able to wait are kept, and sent as one statement:
//! each but the last as a part of its WITH clause. Postgres carries such parts out whether or not
//! anything reads from them, all on the same snapshot, so no two of them may touch the same table.
//! Their faults come with the statement that follows, which rolls the transaction back all the same.
//! What has to come after them, as the event log does, may still go with them: it asks how many rows
//! they wrote, and that has no answer before they are done.

use sea_orm::{DbBackend, Statement, Value};

/// Begins a statement that can wait; the name of its table follows.
const MARK: &str = "/* can wait: ";
const END: &str = " */ ";

/// Marks a write to `table` as able to wait.
pub(super) fn mark(table: &str, sql: &str) -> String {
    format!("{MARK}{table}{END}{sql}")
}

/// The writes of a transaction that wait.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    waiting: Vec<Write>,
}

#[derive(Debug)]
struct Write {
    table: String,
    sql: String,
    values: Vec<Value>,
}

/// What becomes of a statement.
pub(super) enum Turn {
    /// It waits.
    Later,
    /// It waits, after these are sent.
    LaterAfter(Statement),
    /// It is to be sent, after these if there are any.
    Now(Option<Statement>, Statement),
}

impl Deferred {
    /// Takes a statement in, if it can wait.
    pub(super) fn turn(&mut self, statement: Statement) -> Turn {
        let marked = statement.sql.strip_prefix(MARK).and_then(|rest| rest.split_once(END));
        let Some((table, sql)) = marked else {
            return Turn::Now(self.take(), statement);
        };
        let (table, sql) = (table.to_owned(), sql.to_owned());
        let again = self.waiting.iter().any(|write| write.table == table);
        let before = if again { self.take() } else { None };
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        self.waiting.push(Write { table, sql, values });
        before.map_or(Turn::Later, Turn::LaterAfter)
    }

    /// All that waits as one statement; `None` when nothing does.
    pub(super) fn take(&mut self) -> Option<Statement> {
        let last = self.waiting.pop()?;
        let mut parts = Parts::default();
        for write in std::mem::take(&mut self.waiting) {
            parts.add(&write.sql, write.values);
        }
        Some(parts.before(&last.sql, last.values))
    }

    /// All that waits and a last part as one statement. The last part is made with an expression
    /// that has a value, the number of rows, once all the others are written.
    pub(super) fn take_with<E>(
        &mut self,
        last: impl FnOnce(&str) -> Result<Statement, E>,
    ) -> Result<Statement, E> {
        let mut parts = Parts::default();
        for write in std::mem::take(&mut self.waiting) {
            parts.add(&format!("{} RETURNING 1", write.sql), write.values);
        }
        let counts: Vec<String> =
            (0..parts.texts.len()).map(|n| format!("(SELECT COUNT(*) FROM w{n})")).collect();
        let written = if counts.is_empty() { "0".to_owned() } else { counts.join(" + ") };
        let last = last(&written)?;
        Ok(parts.before(&last.sql, last.values.map(|values| values.0).unwrap_or_default()))
    }
}

/// The parts of a WITH clause, and the values of all their parameters.
#[derive(Default)]
struct Parts {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Parts {
    fn add(&mut self, sql: &str, values: Vec<Value>) {
        let (place, text) = (self.texts.len(), shifted(sql, self.values.len()));
        self.texts.push(format!("w{place} AS ({text})"));
        self.values.extend(values);
    }

    fn before(mut self, last: &str, values: Vec<Value>) -> Statement {
        let last = shifted(last, self.values.len());
        self.values.extend(values);
        let sql = match self.texts.as_slice() {
            [] => last,
            parts => format!("WITH {} {last}", parts.join(", ")),
        };
        Statement::from_sql_and_values(DbBackend::Postgres, sql, self.values)
    }
}

/// The statement with its parameters counted on from `by`.
fn shifted(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let number: usize = piece[..digits].parse().unwrap_or_default();
        text.push('$');
        text.push_str(&(number + by).to_string());
        text.push_str(&piece[digits..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(table: &str) -> Statement {
        let sql = mark(table, &format!("INSERT INTO \"{table}\" SELECT c0 FROM UNNEST($1, $2)"));
        Statement::from_sql_and_values(DbBackend::Postgres, sql, [1.into(), 2.into()])
    }

    #[test]
    fn writes_wait_and_go_together() {
        let mut deferred = Deferred::default();
        assert!(matches!(deferred.turn(write("a")), Turn::Later));
        assert!(matches!(deferred.turn(write("b")), Turn::Later));
        let sent = deferred.take().unwrap();
        assert_eq!(
            sent.sql,
            "WITH w0 AS (INSERT INTO \"a\" SELECT c0 FROM UNNEST($1, $2)) \
             INSERT INTO \"b\" SELECT c0 FROM UNNEST($3, $4)"
        );
        assert_eq!(sent.values.unwrap().0.len(), 4);
        assert!(deferred.take().is_none());
    }

    #[test]
    fn what_comes_after_them_waits_for_all_of_them() {
        let mut deferred = Deferred::default();
        let _ = (deferred.turn(write("a")), deferred.turn(write("b")));
        let last = |written: &str| {
            let sql = format!("INSERT INTO \"c\" SELECT c0 FROM UNNEST($1) WHERE {written} >= 0");
            Ok::<_, ()>(Statement::from_sql_and_values(DbBackend::Postgres, sql, [3.into()]))
        };
        let sent = deferred.take_with(last).unwrap();
        assert_eq!(
            sent.sql,
            "WITH w0 AS (INSERT INTO \"a\" SELECT c0 FROM UNNEST($1, $2) RETURNING 1), \
             w1 AS (INSERT INTO \"b\" SELECT c0 FROM UNNEST($3, $4) RETURNING 1) \
             INSERT INTO \"c\" SELECT c0 FROM UNNEST($5) \
             WHERE (SELECT COUNT(*) FROM w0) + (SELECT COUNT(*) FROM w1) >= 0"
        );
        assert_eq!(sent.values.unwrap().0.len(), 5);
        let alone = deferred.take_with(last).unwrap();
        assert_eq!(alone.sql, "INSERT INTO \"c\" SELECT c0 FROM UNNEST($1) WHERE 0 >= 0");
    }

    #[test]
    fn a_table_is_written_once_in_a_statement_and_whoever_reads_sees_all() {
        let mut deferred = Deferred::default();
        assert!(matches!(deferred.turn(write("a")), Turn::Later));
        assert!(matches!(deferred.turn(write("a")), Turn::LaterAfter(_)));
        let read = Statement::from_string(DbBackend::Postgres, "SELECT 1");
        assert!(matches!(deferred.turn(read.clone()), Turn::Now(Some(_), _)));
        assert!(matches!(deferred.turn(read), Turn::Now(None, _)));
    }
}
