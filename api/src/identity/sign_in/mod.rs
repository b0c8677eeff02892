//! Signing up, in and out, and keeping a session alive. Passwords are argon2id hashes; refresh tokens are sealed
//! and kept as SHA-256; access tokens are signed and short-lived.

mod graphql;
mod passwords;
mod refresh_tokens;
mod rules;
mod store;

pub use graphql::SignInMutation;
pub use passwords::hash as password_hash;
pub use rules::{NewAccount, OpenSession, create_account, sign_in};
