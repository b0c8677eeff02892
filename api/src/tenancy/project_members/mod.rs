//! Project members: the role of a person or a team, never both, in a project. Whoever leaves the organization leaves
//! its projects too; that is a foreign key.

mod graphql;
mod rules;
mod store;

pub use graphql::{ProjectMember, ProjectMemberMutation, of_project, of_team};
pub use rules::add_first_admin;
