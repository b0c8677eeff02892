//! The front door: every transport, and what stands before the graph.

mod answers;
pub mod connections;
pub mod engine;
pub mod graphiql;
pub mod graphql;
pub mod guard;
pub mod health;
mod report;
pub mod router;
mod sse;
mod websocket;
