//! What a database error means to a caller.

use super::Error;
use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlErr};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(
            SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_),
        ) = error.sql_err()
        {
            // Code checks before it writes, so a violated constraint means that a concurrent
            // transaction was faster; a second try sees what that one wrote.
            return conflict(error);
        }
        match &error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => late(error),
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
                match e.as_ref() {
                    sqlx::Error::PoolTimedOut => late(error),
                    sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed => unavailable(error),
                    sqlx::Error::Database(db) => match db.code().unwrap_or_default().as_ref() {
                        // Postgres: serialization failure, deadlock detected, lock not available.
                        "40001" | "40P01" | "55P03" => conflict(error),
                        // Postgres: statement timeout. SQLite: busy.
                        "57014" | "5" | "6" | "517" => late(error),
                        // Postgres: shutting down, starting up, too many connections, disk or
                        // memory full. SQLite: full, I/O error.
                        "57P01" | "57P02" | "57P03" | "53300" | "53100" | "53200" | "10" | "13" => {
                            unavailable(error)
                        }
                        _ => Self::internal(error),
                    },
                    _ => Self::internal(error),
                }
            }
            _ => Self::internal(error),
        }
    }
}

fn unavailable(source: DbErr) -> Error {
    Error::unavailable("DATABASE_UNAVAILABLE", "the database cannot be reached").caused_by(source)
}

/// It may be away or have too much to do: who waits in vain for a connection cannot tell.
fn late(source: DbErr) -> Error {
    Error::unavailable("DATABASE_UNAVAILABLE", "the database took too long").caused_by(source)
}

fn conflict(source: DbErr) -> Error {
    Error::aborted("CONFLICT", "lost against a concurrent change, try again").caused_by(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_takes_too_long_is_told_from_one_that_is_away() {
        let of = |error: DbErr| {
            let error = Error::from(error);
            (error.code(), error.to_string())
        };
        let (code, late) = of(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        assert_eq!(code, crate::error::Code::Unavailable);
        assert!(late.contains("took too long"), "{late}");
        let (code, away) = of(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed));
        assert_eq!(code, crate::error::Code::Unavailable);
        assert!(away.contains("cannot be reached"), "{away}");
    }
}
