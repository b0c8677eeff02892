//! Whether the server and its parts answer: 200 or 503, with a JSON body that names the part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::Executor;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::router::Door;
use crate::platform::request::Platform;

/// A part that does not answer within this time is away.
const PATIENCE: Duration = Duration::from_secs(2);

async fn part<F, T, Failure>(name: &'static str, probe: F) -> (&'static str, Result<(), String>)
where
    F: Future<Output = Result<T, Failure>>,
    Failure: std::fmt::Display,
{
    let state = match tokio::time::timeout(PATIENCE, probe).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(part = name, %error, "a part does not answer");
            Err("does not answer".to_owned())
        }
        Err(_) => Err("does not answer in time".to_owned()),
    };
    (name, state)
}

fn report(parts: &[(&'static str, Result<(), String>)]) -> (StatusCode, Json<Value>) {
    let well = parts.iter().all(|(_, state)| state.is_ok());
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "status": if well { "ok" } else { "unavailable" } });
    for (name, state) in parts {
        body[*name] = match state {
            Ok(()) => json!("ok"),
            Err(reason) => json!(reason),
        };
    }
    (status, Json(body))
}

/// The process runs.
pub async fn live() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// Every part answers.
pub async fn everything<E: Executor>(State(door): State<Arc<Door<E>>>) -> impl IntoResponse {
    let database = part("db", door.platform.database.ping());
    let redis = part("redis", door.platform.cache.ping());
    let (database, redis) = futures_util::future::join(database, redis).await;
    report(&[database, redis])
}

/// Requests can be answered: PostgreSQL is there, with every migration of this version. Redis is a help, not a need.
pub async fn ready<E: Executor>(State(door): State<Arc<Door<E>>>) -> impl IntoResponse {
    let database = part("db", door.platform.database.ping()).await;
    if database.1.is_err() {
        return report(&[database]);
    }
    report(&[database, ("migrations", door.migrated.confirm(&door.platform).await)])
}

/// Whether the database has every migration of this version. Asked until it has: a schema is not taken back below a
/// server that runs.
#[derive(Debug, Default)]
pub struct Migrated(AtomicBool);

impl Migrated {
    async fn confirm(&self, platform: &Platform) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        let missing = migration::missing(platform.database.connection()).await.map_err(|error| {
            tracing::warn!(%error, "the applied migrations cannot be read");
            "cannot be read".to_owned()
        })?;
        match missing.first() {
            Some(first) => Err(format!("{first} is missing: run `trellis migrate up`")),
            None => {
                self.0.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// PostgreSQL answers.
pub async fn database<E: Executor>(State(door): State<Arc<Door<E>>>) -> impl IntoResponse {
    report(&[part("db", door.platform.database.ping()).await])
}

/// Redis answers.
pub async fn redis<E: Executor>(State(door): State<Arc<Door<E>>>) -> impl IntoResponse {
    report(&[part("redis", door.platform.cache.ping()).await])
}

/// Everything is kept in PostgreSQL and Redis, so there is no other storage that could be away, and the body says that
/// there is none instead of that it is well.
pub async fn storage() -> impl IntoResponse {
    Json(json!({ "status": "ok", "storage": "not used" }))
}
