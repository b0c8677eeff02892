//! Organizations: the tenants. At least one owner always remains.

mod graphql;
mod rules;
mod store;

pub use graphql::{Organization, OrganizationMutation, OrganizationQuery, of_viewer};
