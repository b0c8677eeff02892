//! Projects: where an organization keeps API keys, tool servers, policies and budgets; spaces may be attached to one.
//! Owners and admins of the organization are admins of each of its projects.

mod graphql;
mod rules;
mod store;

pub use graphql::{Project, ProjectMutation, by_slug, of_organization};
