//! The spine: the front door, the guard, loading, pages, reach, and writes that happen once.

mod clients;
mod errors;
mod feed;
mod graphiql;
mod guard;
mod http;
mod idempotency;
mod inputs;
mod merging;
mod pagination;
mod reach;
mod settings;
mod sse;
mod statements;
mod upkeep;
mod websocket;
