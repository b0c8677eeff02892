//! The second factor: six-digit codes of an authenticator app (TOTP, RFC 6238), each good once, and recovery codes for
//! the day the app is lost. The secret of the app is sealed, recovery codes are known by their hash.

mod codes;
mod graphql;
mod rules;
mod store;

pub use graphql::{MfaMutation, MfaStatus};
pub use rules::prove_code;
pub use store::{
    Challenge, count_try, end_challenges, lock_challenge, open_challenge, remove_all, use_challenge, user_of_challenge,
};

use crate::platform::sealing::SealedColumn;

/// Where secrets of authenticators are.
pub const SECRET: SealedColumn = SealedColumn { table: "identity.mfa_factors", column: "secret" };
