//! Numbers for Prometheus: what operations took and ended with, and how the parts are. Every label is bounded: clients
//! choose the names of operations, so only so many are told apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Operations that are told apart by name, at most.
const NAMES: usize = 200;
/// The name of all others.
const OTHER: &str = "other";
/// How often what was recorded is summed up, so that it does not grow while nobody asks.
const UPKEEP: Duration = Duration::from_secs(10);
/// Of the histogram of durations, in seconds.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without an error.
    Ok,
    /// It ran, and its answer holds errors.
    Failed,
    /// It did not run.
    Refused,
    /// Nobody waited for its end.
    Cancelled,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Ok, Outcome::Failed, Outcome::Refused, Outcome::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// The name of a kind of operation.
pub fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The numbers of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    operations: Mutex<HashMap<(String, &'static str), OperationMetrics>>,
}

struct OperationMetrics {
    seconds: Histogram,
    ended: [Counter; 4],
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Starts counting. A task sums up for as long as somebody holds the metrics.
    pub fn start() -> Arc<Self> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS);
        let recorder = builder.expect("Invariant: there are buckets").build_recorder();
        let metrics = Arc::new(Self { handle: recorder.handle(), recorder, operations: Mutex::default() });
        metrics.describe();
        let summed_up = Arc::downgrade(&metrics);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                let Some(metrics) = summed_up.upgrade() else { return };
                metrics.handle.run_upkeep();
            }
        });
        metrics
    }

    fn describe(&self) {
        metrics::with_local_recorder(&self.recorder, || {
            metrics::describe_histogram!("trellis_operation_seconds", "What queries and mutations took.");
            metrics::describe_counter!("trellis_operations_total", "Operations that ended, by how they did.");
            metrics::describe_counter!("trellis_errors_total", "Errors in answers, by their code.");
            metrics::describe_counter!("trellis_turned_away_total", "HTTP requests without an operation, by status.");
            metrics::describe_gauge!(
                "trellis_connections",
                "Open connections: HTTP, and WebSockets with event streams."
            );
            metrics::describe_gauge!("trellis_database_connections", "Connections of the pool, idle and used.");
            metrics::describe_counter!("trellis_cache_reads_total", "Reads of the Redis cache, by what came of them.");
            metrics::describe_gauge!("trellis_documents_remembered", "Parsed documents that are remembered.");
            metrics::describe_gauge!("trellis_feed_leader", "Whether this process gives events their place.");
            metrics::describe_gauge!("trellis_feed_redis_connected", "Whether the feed hears Redis.");
            metrics::describe_gauge!("trellis_feed_followers", "Subscriptions that follow the feed.");
            metrics::describe_gauge!("trellis_feed_last_position", "The position given last.");
            metrics::describe_gauge!("trellis_feed_held_back_events", "Events that an open transaction holds back.");
            metrics::describe_gauge!(
                "trellis_feed_held_back_seconds",
                "The age of the oldest of them: the relay's lag."
            );
            metrics::describe_gauge!("trellis_feed_unpublished_events", "Positions that have not reached Redis.");
        });
    }

    /// An operation ended. A name that is new counts only if the operation ran well, so that nobody can use names up
    /// with nonsense.
    pub fn operation(&self, name: &str, kind: OperationType, outcome: Outcome, duration: Duration) {
        let kind = kind_name(kind);
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = operations.contains_key(&(name.to_owned(), kind));
        let is_welcome = is_known || (outcome == Outcome::Ok && operations.len() < NAMES);
        let name = if is_welcome { name } else { OTHER };
        let metrics =
            operations.entry((name.to_owned(), kind)).or_insert_with(|| self.of_operation(name.to_owned(), kind));
        metrics.ended[outcome as usize].increment(1);
        if kind != kind_name(OperationType::Subscription) {
            metrics.seconds.record(duration);
        }
    }

    fn of_operation(&self, name: String, kind: &'static str) -> OperationMetrics {
        metrics::with_local_recorder(&self.recorder, || OperationMetrics {
            seconds: histogram!("trellis_operation_seconds", "operation" => name.clone(), "kind" => kind),
            ended: Outcome::ALL.map(|outcome| {
                let outcome = outcome.as_str();
                counter!("trellis_operations_total", "operation" => name.clone(), "kind" => kind, "outcome" => outcome)
            }),
        })
    }

    /// An answer held an error.
    pub fn error(&self, code: &str) {
        self.count("trellis_errors_total", "code", code);
    }

    /// A request was turned away before there was an operation.
    pub fn turned_away(&self, status: u16) {
        self.count("trellis_turned_away_total", "status", &status.to_string());
    }

    fn count(&self, name: &'static str, label: &'static str, value: &str) {
        metrics::with_local_recorder(&self.recorder, || counter!(name, label => value.to_owned()).increment(1));
    }

    /// Sets a number to what it is now.
    pub fn set(&self, name: &'static str, label: Option<(&'static str, &'static str)>, value: f64) {
        metrics::with_local_recorder(&self.recorder, || match label {
            Some((label, of)) => gauge!(name, label => of).set(value),
            None => gauge!(name).set(value),
        });
    }

    /// Sets a number that only grows to what it is now.
    pub fn total(&self, name: &'static str, (label, of): (&'static str, &'static str), value: u64) {
        metrics::with_local_recorder(&self.recorder, || counter!(name, label => of).absolute(value));
    }

    /// Everything, as Prometheus reads it.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}
