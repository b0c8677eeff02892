//! Speaking with MCP servers: those of others work over each transport and in each era, and hostile ones are contained
//! and named.

mod hostile_addresses;
mod hostile_programs;
mod real;
mod sessions;
mod surroundings;
