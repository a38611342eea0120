//! What a database error means to a caller.

use super::Error;
use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

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
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
                match e.as_ref() {
                    sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed => unavailable(error),
                    sqlx::Error::Database(db) => match db.code().unwrap_or_default().as_ref() {
                        // Postgres: serialization failure, deadlock detected, lock not available.
                        "40001" | "40P01" | "55P03" => conflict(error),
                        // Postgres: shutting down, starting up, too many connections, statement
                        // timeout, disk or memory full. SQLite: busy, full, I/O error.
                        "57P01" | "57P02" | "57P03" | "53300" | "57014" | "53100" | "53200"
                        | "5" | "6" | "10" | "13" | "517" => unavailable(error),
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

fn conflict(source: DbErr) -> Error {
    Error::aborted("CONFLICT", "lost against a concurrent change, try again").caused_by(source)
}
