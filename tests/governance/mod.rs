//! The tools an AI may use: the registry of MCP servers.

mod registry;
