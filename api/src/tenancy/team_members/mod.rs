//! Who is in a team: active members of its organization. Whoever leaves the organization leaves its teams too; that is
//! a foreign key.

mod graphql;
mod rules;
mod store;

pub use graphql::{TeamMember, TeamMemberMutation, of_team};
