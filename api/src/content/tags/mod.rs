//! Tags of a space, and which documents carry them. Names are unique in a space, whatever their case.
//! Invariant: a tag is seen by whoever may read a document that carries it, or sees the space that it was made for.

mod events;
mod graphql;
mod mutations;
mod names;
mod rules;
mod store;

pub use events::TagChangeKind;
pub use graphql::{Tag, load_ahead, of_document, of_space, write_known};
pub use mutations::TagMutation;
pub use rules::{MOST_ON_DOCUMENT, NAME_LENGTH, check_number, put, slug_of, tag_document, untag_document};
