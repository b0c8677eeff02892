//! What governs the use of tools: the registry of MCP servers, and who decides about them.

mod approvals;
mod decisions;
mod policies;
mod registry;
mod registry_walk;
mod simulation;
mod tool_server;
