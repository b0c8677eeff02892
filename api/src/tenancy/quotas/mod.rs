//! What a project may hold: people and teams, and in the spaces attached to it documents and their content. What it may
//! spend in a day is kept beside it, in the project's own row.
//! Invariant: whatever enters is counted under a lock of the project, so that two at once do not both take the last place.

mod graphql;
mod rules;
mod store;

pub use graphql::{ProjectUsage, of_project};
pub use rules::{Entering, check_content, check_member, check_space};
