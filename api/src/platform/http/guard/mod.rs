//! The guard: refuses hostile GraphQL documents before the engine sees them, and rewrites the others so that the
//! engine neither runs a resolver twice nor loses a fragment. Pure functions; it knows no domain and does no I/O.
//!
//! In the order of a request: `scan` the text, parse it, `with_defaults` for its variables, `examine`, `rewrite`, and
//! hand the result to the engine. What depends on the text alone may be kept by its hash; `cost` is for the next time.

mod examine;
mod limits;
mod measure;
mod once;
mod rewrite;
mod scan;
mod scope;
mod shape;
mod variables;

#[cfg(test)]
mod tests;

pub use examine::{Examined, cost, examine};
pub use limits::{Limits, Refusal, RefusalCode};
pub use once::asks_each_name_once;
pub use rewrite::rewrite;
pub use scan::{ScanReport, scan};
pub use shape::{SchemaShape, ShapeError};
pub use variables::{selected_operation, with_defaults};
