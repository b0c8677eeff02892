//! Spaces: where content lives. A space belongs to a user or to an organization, never to both.

mod graphql;
mod rules;
mod store;

pub use graphql::{Space, SpaceMutation, by_slug, of_organization, personal};
pub use rules::create_personal_space;
