//! The front door: every transport, and what stands before the graph.

mod answers;
pub mod connections;
pub mod documents;
pub mod engine;
mod event_stream;
pub mod graphiql;
pub mod graphql;
pub mod guard;
pub mod health;
pub mod media;
pub mod observed;
mod parameters;
mod patient;
mod proxies;
pub mod reading;
mod remembered;
mod report;
pub mod router;
pub mod serving;
pub mod settings;
mod sse;
mod statistics;
mod websocket;
