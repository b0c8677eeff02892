//! The one error type of the server. Domains raise it; `http::graphql` turns it into what a client may see, once.
//! An expected "no" is a `Rejection` and becomes a user error of the mutation's payload.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::resolver_utils::EnumType;
use sea_orm::{DbErr, RuntimeErr};
use serde_json::Value;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The code of `Error::Unavailable`, which also shows in the status.
pub const UNAVAILABLE: &str = "UNAVAILABLE";

/// The code of `Error::RateLimited`.
pub const RATE_LIMITED: &str = "RATE_LIMITED";

/// Everything that can end an operation other than success.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the token is no longer good.
    #[error("Sign in first: this needs a valid access token.")]
    Unauthenticated,
    /// The viewer may see the object but not do this to it.
    #[error("You may see this, but not do this to it.")]
    Forbidden,
    /// It does not exist, or the viewer may not know that it does.
    #[error("Nothing with this id is visible to you.")]
    NotFound,
    /// Another write got in the way; trying again may succeed.
    #[error("Another write got in the way. Try again.")]
    Conflict,
    /// The idempotency key was used for a different request.
    #[error("This Idempotency-Key was used for a different request.")]
    IdempotencyKeyReused,
    /// An argument is not acceptable; names the argument.
    #[error("{field}: {message}")]
    BadInput { field: String, message: String },
    /// The operation asks for more than one answer may hold.
    #[error("{0}")]
    TooMuch(String),
    /// The cursor is older than what is kept.
    #[error("The cursor is older than the events that are kept. Read the current state and subscribe again.")]
    GapTooOld,
    /// A subscriber did not read fast enough; it resumes from its last cursor.
    #[error("You did not read fast enough. Subscribe again from your last cursor.")]
    SlowConsumer,
    /// A limit leaves no room for it; says when there may be.
    #[error("You have used what you may for now. Try again later.")]
    RateLimited { retry_after: Duration },
    /// The operation took longer than the server allows.
    #[error("The operation took too long and was stopped.")]
    Timeout,
    /// PostgreSQL cannot be reached; holds the cause. A write that was under way may or may not have been committed.
    #[error("The database does not answer at the moment. Try again soon.")]
    Unavailable(Arc<str>),
    /// An expected "no", told in the payload: every reason that was found, one at least.
    #[error("{}", .0.iter().map(|rejection| rejection.message.as_str()).collect::<Vec<_>>().join(" "))]
    Rejected(Arc<[Rejection]>),
    /// A named constraint of the database refused the row. A store maps the ones it expects.
    #[error("constraint {0} refused the row")]
    Constraint(Arc<str>),
    /// The mutation was already carried out under this idempotency key; holds its outcome.
    #[error("already done")]
    AlreadyDone(Arc<Value>),
    /// A fault of ours. The cause is logged under an id; the client sees the id alone.
    #[error("{0}")]
    Internal(Arc<str>),
}

/// An expected "no": which input field, which code of the domain's enum, and a sentence for people.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The input field in the client's spelling, with the path into it where it holds more than a value, such as
    /// `rules.access.allowedTools[2]`; empty when it is about the whole input.
    pub field: Cow<'static, str>,
    /// The name of the code in the domain's enum.
    pub code: String,
    pub message: String,
    /// When trying again may help.
    pub retry_after_seconds: Option<u32>,
    /// The limit that leaves no room.
    pub reached: Option<Reached>,
}

impl Rejection {
    /// Whether it is for this reason.
    pub fn is<C: EnumType>(&self, code: C) -> bool {
        self.code == name_of(code)
    }
}

/// The name of a code.
fn name_of<C: EnumType>(code: C) -> &'static str {
    C::items().iter().find(|item| item.value == code).map_or("", |item| item.name)
}

/// A limit, and how much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub limit: i64,
    pub used: i64,
}

/// Builds the rejection of one input field, with a code of the domain's enum.
pub fn reject<C: EnumType>(field: &'static str, code: C, message: impl Into<String>) -> Error {
    Error::Rejected([rejection(field.into(), code, message.into())].into())
}

/// Builds the rejection of several places of the input at once, each with its path and message.
pub fn reject_all<C: EnumType>(code: C, problems: impl IntoIterator<Item = (String, String)>) -> Error {
    Error::Rejected(problems.into_iter().map(|(path, message)| rejection(path.into(), code, message)).collect())
}

/// Builds the rejection of what a limit leaves no room for.
pub fn reject_over<C: EnumType>(field: &'static str, code: C, message: impl Into<String>, reached: Reached) -> Error {
    let rejection = Rejection { reached: Some(reached), ..rejection(field.into(), code, message.into()) };
    Error::Rejected([rejection].into())
}

/// Builds the rejection of the whole input for so many seconds.
pub fn reject_for<C: EnumType>(seconds: u32, code: C, message: impl Into<String>) -> Error {
    let rejection = Rejection { retry_after_seconds: Some(seconds), ..rejection("".into(), code, message.into()) };
    Error::Rejected([rejection].into())
}

fn rejection<C: EnumType>(field: Cow<'static, str>, code: C, message: String) -> Rejection {
    Rejection { field, code: name_of(code).to_owned(), message, retry_after_seconds: None, reached: None }
}

impl Error {
    /// The stable name a client can branch on: `extensions.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Unauthenticated => "UNAUTHENTICATED",
            Error::Forbidden => "FORBIDDEN",
            Error::NotFound => "NOT_FOUND",
            Error::Conflict => "CONFLICT",
            Error::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Error::BadInput { .. } | Error::Rejected(_) => "BAD_USER_INPUT",
            Error::TooMuch(_) => "QUERY_TOO_COMPLEX",
            Error::GapTooOld => "GAP_TOO_OLD",
            Error::SlowConsumer => "SLOW_CONSUMER",
            Error::RateLimited { .. } => RATE_LIMITED,
            Error::Timeout => "TIMEOUT",
            Error::Unavailable(_) => UNAVAILABLE,
            Error::Constraint(_) | Error::AlreadyDone(_) | Error::Internal(_) => "INTERNAL",
        }
    }

    /// Whether the same may go well another time.
    pub fn may_pass(&self) -> bool {
        matches!(self, Error::Conflict | Error::Timeout | Error::Unavailable(_))
    }

    /// Whether the cause must stay in the log.
    pub fn is_internal(&self) -> bool {
        self.code() == "INTERNAL"
    }

    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Error::BadInput { field: field.into(), message: message.into() }
    }

    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Error::Internal(cause.to_string().into())
    }

    /// Replaces the refusal of the named constraint by what it means to the user.
    pub fn when_constraint(self, name: &str, meaning: impl FnOnce() -> Error) -> Self {
        match self {
            Error::Constraint(constraint) if &*constraint == name => meaning(),
            other => other,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) => Error::Unavailable(error.to_string().into()),
            DbErr::Conn(RuntimeErr::SqlxError(source))
            | DbErr::Exec(RuntimeErr::SqlxError(source))
            | DbErr::Query(RuntimeErr::SqlxError(source)) => Error::from(&**source),
            _ => Error::internal(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Error::from(&error)
    }
}

impl From<&sqlx::Error> for Error {
    fn from(error: &sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        let database = match error {
            Database(database) => database,
            Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed => {
                return Error::Unavailable(error.to_string().into());
            }
            _ => return Error::internal(error),
        };
        match (database.code().as_deref(), database.constraint()) {
            // Deadlock detected, serialization failure, lock timeout.
            (Some("40P01" | "40001" | "55P03"), _) => Error::Conflict,
            // A text holds a character that PostgreSQL cannot keep: NUL.
            (Some("22021" | "22P05"), _) => Error::bad_input("input", "A text holds a NUL character."),
            // The statement was cancelled by its timeout.
            (Some("57014"), _) => Error::Timeout,
            // It shuts down, starts, recovers, has no connection or resource left, or may only be read.
            (Some(code), _) if code.starts_with("57P") || code.starts_with("53") || code.starts_with("08") => {
                Error::Unavailable(error.to_string().into())
            }
            (Some("25006"), _) => Error::Unavailable(error.to_string().into()),
            (_, Some(constraint)) => Error::Constraint(constraint.into()),
            _ => Error::internal(error),
        }
    }
}

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        Error::internal(error)
    }
}
