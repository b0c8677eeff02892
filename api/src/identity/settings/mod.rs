//! A person's preferences: typed, versioned, and nobody else's.

mod graphql;
mod rules;
mod store;

pub use graphql::{SettingsMutation, UserSettings};
