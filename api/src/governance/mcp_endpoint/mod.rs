//! `/mcp`: Trellis as an MCP server, in both eras of the protocol and without sessions. Whoever holds a key that may call
//! tools sees those of the key's project that they may call, and Trellis' own, under one address; who holds a personal key
//! or an access token says which project: `/mcp/{project id}`.
//! Invariant: what is listed is what a decision would not refuse, and each call is decided about anew.

mod answering;
mod calling;
mod entering;
mod listing;
mod naming;
mod routes;

pub use routes::routes;
