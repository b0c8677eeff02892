//! `/metrics`: the numbers as Prometheus reads them. In production for those who hold the token alone: they name what
//! clients ask for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_graphql::Executor;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::router::Door;
use crate::platform::config::{Config, SecretText};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub async fn metrics<E: Executor>(State(door): State<Arc<Door<E>>>, headers: HeaderMap) -> Response {
    if !may_read(&door.platform.config, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    door.note_present();
    ([(header::CONTENT_TYPE, TEXT)], door.platform.metrics.render()).into_response()
}

fn may_read(config: &Config, headers: &HeaderMap) -> bool {
    let presented = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    match &config.metrics_token {
        Some(token) => presented.is_some_and(|presented| is_bearer(presented, token)),
        None => config.is_development(),
    }
}

/// Compared by digest, so that the time it takes tells nothing of the token.
fn is_bearer(presented: &[u8], token: &SecretText) -> bool {
    Sha256::digest(presented) == Sha256::digest(format!("Bearer {}", token.reveal()))
}

impl<E: Executor> Door<E> {
    /// Notes the numbers that nobody counts as they change.
    #[expect(clippy::cast_precision_loss, reason = "a number for people, who do not look at the last digits")]
    fn note_present(&self) {
        let metrics = &self.platform.metrics;
        let set = |name, value: u64| metrics.set(name, None, value as f64);
        let labelled = |name, label, of, value: u64| metrics.set(name, Some((label, of)), value as f64);
        labelled("trellis_connections", "kind", "http", self.http.open() as u64);
        labelled("trellis_connections", "kind", "open", self.connections.open() as u64);
        set("trellis_documents_remembered", self.engine.remembered() as u64);

        let database = &self.platform.database;
        let (all, idle) = (u64::from(database.pool().size()), database.idle_connections() as u64);
        labelled("trellis_database_connections", "state", "idle", idle);
        labelled("trellis_database_connections", "state", "used", all.saturating_sub(idle));

        let reads = self.platform.cache.reads();
        for (outcome, count) in [("hit", &reads.hits), ("miss", &reads.misses), ("failure", &reads.failures)] {
            metrics.total("trellis_cache_reads_total", ("outcome", outcome), count.load(Ordering::Relaxed));
        }

        let feed = self.platform.feed.status();
        set("trellis_feed_leader", u64::from(feed.is_leader));
        set("trellis_feed_redis_connected", u64::from(feed.is_redis_connected));
        set("trellis_feed_followers", feed.followers as u64);
        set("trellis_feed_last_position", feed.last_position.unsigned_abs());
        set("trellis_feed_held_back_events", feed.held_back.unsigned_abs());
        metrics.set("trellis_feed_held_back_seconds", None, feed.held_back_ms as f64 / 1000.0);
        set("trellis_feed_unpublished_events", feed.unpublished.unsigned_abs());
    }
}
