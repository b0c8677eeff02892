//! What governs the use of tools: the registry of MCP servers, and who decides about them.

mod policies;
mod registry;
