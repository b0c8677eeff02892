//! The front door: every transport, and what stands before the graph.

pub mod engine;
pub mod graphiql;
pub mod graphql;
pub mod guard;
pub mod health;
mod report;
pub mod router;
