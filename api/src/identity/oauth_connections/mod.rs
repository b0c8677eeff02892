//! Accounts at identity providers by which somebody signs in here. Each is known by the provider and its subject alone:
//! an address is no proof of being the same person, so no account is ever found by the one that a provider tells.
//! No token of a provider is kept.

mod graphql;
mod rules;
mod store;

pub use graphql::{OauthConnection, OauthConnectionMutation, of_viewer};
pub use rules::{find, link};
pub use store::{hold_subject, insert, lock, note_use, of_subject};
