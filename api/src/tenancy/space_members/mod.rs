//! Space members: the role of a person or a team, never both, in a space. Whoever leaves the organization leaves its
//! spaces too; that is a foreign key. A space of an organization loses its last manager only by the hand of an owner
//! or admin of the organization; a space of a person is always managed by that person, without a row here.

mod graphql;
mod rules;
mod store;

pub use graphql::{SpaceMember, SpaceMemberMutation, of_space, of_team};
pub use rules::admit;
