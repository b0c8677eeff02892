//! What governs the use of tools: keys and secrets, the registry of MCP servers, and who decides about them.

mod approvals;
mod decisions;
mod keys;
mod policies;
mod registry;
mod registry_walk;
mod secrets;
mod simulation;
mod tool_server;
