//! The tools of Trellis itself, beside those of registered servers: search, read, create and change documents. Policies
//! know them by the server `trellis`, which no registered server may be named. They are decided about, limited and
//! recorded like every other, and go the way of the graph: same rules, same rows, same events.
//! Invariant: a tool does nothing that its caller could not do through the graph.

mod answers;
mod arguments;
mod definitions;
mod known;
mod running;

pub use definitions::{OwnTool, all, find};
pub use known::{Known, OPEN, known};
pub use running::run;

/// The name of the server that these tools are said to be of.
pub const SERVER: &str = "trellis";
