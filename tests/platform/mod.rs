//! The spine: the front door, the guard, loading, pages, reach, and writes that happen once.

mod bodies;
mod cancelling;
mod clients;
mod documents;
mod errors;
mod feed;
mod graphiql;
mod guard;
mod http;
mod idempotency;
mod inputs;
mod lean;
mod loading;
mod mail;
mod merging;
mod operation;
mod origins;
mod pagination;
mod rate_limits;
mod reach;
mod sealing;
mod settings;
mod sse;
mod statements;
mod upkeep;
mod websocket;
