//! What governs the use of tools: keys and secrets, the registry of MCP servers and the client that speaks with them, and
//! who decides about them.

mod approvals;
mod calls;
mod decisions;
mod keys;
mod lists;
mod mcp_client;
mod mcp_endpoint;
mod policies;
mod registry;
mod registry_walk;
mod secrets;
mod simulation;
mod tool_server;
