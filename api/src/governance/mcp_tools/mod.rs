//! Tools of MCP servers: as they were found last, as they were approved, and what became of them in between. A tool that is
//! not as it was approved is not called before somebody approves it again; only another spacing is accepted by itself.
//! Invariant: rows are written with their server locked.

mod filter;
mod found;
mod graphql;
mod reasons;
mod rules;
mod store;

pub use filter::McpToolFilter;
pub use found::{Changes, upsert};
pub use graphql::{McpTool, McpToolMutation, of_project, of_server};
pub use store::{has_poisoned, names_of_others, pin_all, reviewed, server_has_drifted};
