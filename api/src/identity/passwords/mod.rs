//! Passwords: what they must be, how they are checked, changed and reset. They are kept as argon2id hashes alone.

mod graphql;
mod hashing;
mod requests;
mod rules;
mod store;

pub use graphql::PasswordMutation;
pub use hashing::{hash, verify};
pub use requests::answer_requests;
pub use rules::{check, prove};

use crate::platform::sealing::SealedColumn;

/// Where the addresses of requests wait.
pub const REQUESTED: SealedColumn = SealedColumn { table: "identity.password_reset_requests", column: "email_secret" };
