//! The tools an AI may use, and what is decided about them.

pub mod api_key;
pub mod approval;
pub mod decision;
pub mod mcp_discovery;
pub mod mcp_finding;
pub mod mcp_scan;
pub mod mcp_server;
pub mod mcp_server_version;
pub mod mcp_tool;
pub mod policy;
pub mod policy_set;
pub mod policy_simulation;
pub mod policy_version;
pub mod secret;
