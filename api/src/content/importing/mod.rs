//! Importing: a folder of Markdown becomes a tree of documents, and a later run changes only what changed since.
//! Files win where they say something; what a file does not say stays as it is, and what is gone from the folder is left.
//! Invariant: everything is written through `documents` and `tags`, in the name and within the grants of a user.

mod destination;
mod difference;
mod front_matter;
mod heading;
mod page;
mod rules;
mod scan;
mod store;
mod summary;

pub use destination::{Destination, Named};
pub use rules::{SOURCE, import};
pub use scan::{Found, Skipped, scan};
pub use summary::Summary;
