//! Where a session works: the organization and the space its user chose last. It grants nothing, and whoever has lost access
//! is in none.

mod graphql;
mod rules;
mod store;

pub use graphql::{ContextMutation, active_organization, active_space};
