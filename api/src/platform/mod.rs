//! The spine that every domain leans on; it knows no domain. In reading order: a request comes in (`http`),
//! belongs to a viewer (`viewer`), reads and writes within its grants (`authorization`, `loaders`, `write`),
//! and what it changed is told (`outbox`, `events`, `live`).

pub mod authorization;
pub mod background;
pub mod cache;
pub mod checks;
pub mod children;
pub mod clock;
pub mod config;
pub mod database;
pub mod envelopes;
pub mod errors;
pub mod events;
pub mod filters;
pub mod held;
pub mod http;
pub mod idempotency;
pub mod kept;
pub mod lean;
pub mod limits;
pub mod live;
pub mod loaders;
pub mod mail;
pub mod mcp;
pub mod openid;
pub mod outbox;
pub mod pagination;
pub mod payload;
pub mod progress;
pub mod recording;
pub mod request;
pub mod retry;
pub mod sealing;
pub mod telemetry;
pub mod turns;
pub mod upkeep;
pub mod viewer;
mod warm;
pub mod write;
pub mod written;
