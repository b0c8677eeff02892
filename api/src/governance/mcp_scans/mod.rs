//! Scans of MCP servers: how suspicious a version is by the rules of `scan`, with findings that name rule, place and
//! excerpt. One is made when a version is, of how it is reached, and one after each discovery, of what was found.

mod graphql;
mod rules;
mod store;

pub use graphql::{McpFinding, McpScan, latest_of_version, of_server};
pub use rules::{Said, Scanned, scan_and_store, store_unfinished};
pub use store::verdict_of_version;
