//! Spaces: where content lives. A space belongs to a user or to an organization, never to both.

mod graphql;
mod mutations;
mod rules;
mod store;

pub use graphql::{Space, by_slug, of_organization, personal};
pub use mutations::SpaceMutation;
pub use rules::create_personal_space;
pub use store::visible;
