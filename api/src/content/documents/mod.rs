//! Documents and notes: a light row that lists read, and its content apart.
//! Invariants: a document and its parent are of one space; the tree has no cycles; content is at most 10 MB.

mod departing;
mod events;
mod filter;
mod graphql;
mod input;
mod mutations;
mod rules;
mod searching;
mod store;
mod tree;
mod writing;

pub use departing::departing;
pub use events::{DocumentChangeKind, DocumentEvent};
pub use filter::{DocumentFilter, DocumentOrder, List};
pub use graphql::{Document, below, of_owner, of_space};
pub use input::{CONTENT_BYTES, metadata_fits};
pub use mutations::DocumentMutation;
pub use rules::{Transition, change_status};
pub use searching::{Found, search, source};
pub use store::changed_tags;
pub use tree::{Place, between, move_document};
pub use writing::{DocumentChanges, NewDocument, content_hash, create, update};
