//! Signing up, in and out, and keeping a session alive. Access tokens are signed and short-lived.

mod graphql;
mod rules;
mod store;

pub use graphql::{SessionPayload, SignInMutation};
pub use rules::{Entry, NewAccount, create_account, enter, insert_account, sign_in};
