//! Teams: people of an organization under one name. What is granted to a team is granted to its members.
//! Every active member of the organization sees them; its owners and admins make them and choose who is in them.

mod graphql;
mod rules;
mod store;

pub use graphql::{Team, TeamMutation, of_organization};
pub use rules::tell_spaces;
