//! Lists of servers: of a project, and of all projects of an organization.

pub mod filter;
pub mod graphql;
mod store;
