//! The record of decisions: they wait in the process for a moment and are written many at a time, so that no call waits
//! for its own. What waits is written before the server ends; only one that is killed loses it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::ids::{DecisionId, McpServerId, OrganizationId, ProjectId};
use tokio::sync::{Mutex as Turn, Notify};
use uuid::Uuid;

use super::events::DecisionsMade;
use super::recorded;
use super::store;
use crate::governance::decision::{Decision, Effect, Input};
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Platform, Request};
use crate::platform::retry::Retry;

/// Decisions in one transaction.
const BATCH: usize = 500;
/// How many may wait. Who makes one more waits until some are written.
const MOST_WAITING: usize = 20_000;
/// How long the last ones may take when the server ends.
const LAST_LIMIT: Duration = Duration::from_secs(10);

/// A decision that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: DecisionId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: Option<McpServerId>,
    pub decision: Arc<Decision>,
    pub input: Arc<Input>,
    pub duration: Duration,
    pub request_id: Uuid,
}

impl Made {
    /// Whether it is to be recorded: always, unless it allows. The last bits of an id are random.
    pub fn is_wanted(&self, allows_percent: i32) -> bool {
        let is_allow = self.decision.outcome == Effect::Allow && self.decision.would_be.is_none();
        !is_allow || self.id.uuid().as_u128() % 100 < u128::from(allows_percent.unsigned_abs())
    }
}

/// The decisions that wait to be written.
#[derive(Debug, Default)]
struct Log {
    waiting: Mutex<VecDeque<Made>>,
    wake: Notify,
    /// Held while some are written. They leave the queue once they are.
    turn: Turn<()>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Made>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, until nothing does.
    async fn write_out(&self, platform: &Platform) -> Result<()> {
        let _turn = self.turn.lock().await;
        loop {
            let batch: Vec<Made> = self.lock().iter().take(BATCH).cloned().collect();
            let count = batch.len();
            if count == 0 {
                return Ok(());
            }
            write(platform, batch).await?;
            self.lock().drain(..count);
        }
    }
}

/// Takes a decision into the record.
pub async fn record(platform: &Platform, made: Made) -> Result<()> {
    let log = platform.kept.of::<Log>();
    let waiting = {
        let mut waiting = log.lock();
        waiting.push_back(made);
        waiting.len()
    };
    if waiting > MOST_WAITING {
        return log.write_out(platform).await;
    }
    log.wake.notify_one();
    Ok(())
}

/// Writes decisions as they come, until it is dropped.
pub async fn record_decisions(platform: Platform) {
    let log = platform.kept.of::<Log>();
    let mut retry = Retry::of("recording decisions");
    loop {
        match log.write_out(&platform).await {
            Ok(()) => {
                retry.succeeded();
                log.wake.notified().await;
            }
            Err(error) => retry.failed(&error).await,
        }
    }
}

/// Writes what still waits when the server ends.
pub async fn flush(platform: &Platform) {
    let log = platform.kept.of::<Log>();
    let written = tokio::time::timeout(LAST_LIMIT, log.write_out(platform)).await;
    let lost = log.lock().len();
    if lost > 0 {
        let cause =
            written.map_err(|_| "it took too long".to_owned()).and_then(|done| done.map_err(|error| error.to_string()));
        tracing::error!(lost, ?cause, "decisions were made and not recorded");
    }
}

async fn write(platform: &Platform, batch: Vec<Made>) -> Result<()> {
    let event = DecisionsMade::of(&batch);
    let rows = tokio::task::spawn_blocking(move || batch.iter().map(recorded::row).collect::<Result<Vec<_>>>());
    let rows = rows.await.map_err(Error::internal)??;
    let request = Request::as_system(platform, "decisions are recorded after they were made");
    let mut write = request.begin_write().await?;
    store::insert(&write, rows).await?;
    for event in event {
        write.record(&event);
    }
    write.commit(()).await?;
    Ok(())
}
