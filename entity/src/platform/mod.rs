//! What the server itself keeps: the event feed, idempotency and the versions of grants.

pub mod feed;
pub mod grant_version;
pub mod idempotency_answer;
pub mod idempotency_key;
pub mod mail;
pub mod outbox;
