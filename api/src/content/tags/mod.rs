//! Tags of a space, and which documents carry them. Names are unique in a space, whatever their case.

mod graphql;
mod mutations;
mod rules;
mod store;

pub use graphql::{Tag, of_document, of_space};
pub use mutations::TagMutation;
pub use rules::{put, slug_of, tag_document, untag_document};
