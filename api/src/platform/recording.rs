//! Records of what happened very often: they wait in the process for a moment and are written many at a time, so that
//! nobody waits for their own. What waits is written before the server ends; only one that is killed loses it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::sleep;

use super::errors::Result;
use super::request::Platform;
use super::retry::Retry;

/// Entries in one transaction.
const BATCH: usize = 500;
/// How many may wait. Who records one more waits until some are written.
const MOST_WAITING: usize = 20_000;
/// Between two batches: what is alone is written at once, and of what comes often much is written together.
const REST: Duration = Duration::from_millis(20);
/// How long the last ones may take when the server ends.
const LAST_LIMIT: Duration = Duration::from_secs(10);

/// Something that is recorded.
pub trait Entry: Clone + Send + Sync + 'static {
    /// What such entries are, for the log.
    const WHAT: &'static str;

    /// Writes a batch in one transaction. One that failed is tried again.
    fn write(platform: &Platform, batch: Vec<Self>) -> impl Future<Output = Result<()>> + Send;
}

/// The entries that wait to be written.
struct Log<E> {
    waiting: Mutex<VecDeque<E>>,
    wake: Notify,
    /// Held while some are written. They leave the queue once they are.
    turn: Turn<()>,
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), wake: Notify::new(), turn: Turn::default() }
    }
}

impl<E: Entry> Log<E> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<E>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, until nothing does.
    async fn write_out(&self, platform: &Platform) -> Result<()> {
        let _turn = self.turn.lock().await;
        loop {
            let batch: Vec<E> = self.lock().iter().take(BATCH).cloned().collect();
            let count = batch.len();
            if count == 0 {
                return Ok(());
            }
            match E::write(platform, batch.clone()).await {
                Ok(()) => drop(self.lock().drain(..count)),
                Err(error) if error.may_pass() => return Err(error),
                // One of them is the cause. It must not hold up the others.
                Err(_) => {
                    for entry in batch {
                        self.write_one(platform, entry).await?;
                    }
                }
            }
        }
    }
}

impl<E: Entry> Log<E> {
    /// Writes the first that waits, or leaves it out where it never can be.
    async fn write_one(&self, platform: &Platform, entry: E) -> Result<()> {
        match E::write(platform, vec![entry]).await {
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => tracing::error!(%error, what = E::WHAT, "an entry cannot be recorded and is left out"),
            Ok(()) => {}
        }
        self.lock().pop_front();
        Ok(())
    }
}

/// Takes an entry into the record.
pub async fn record<E: Entry>(platform: &Platform, entry: E) -> Result<()> {
    match put::<E>(platform, entry) > MOST_WAITING {
        true => platform.kept.of::<Log<E>>().write_out(platform).await,
        false => Ok(()),
    }
}

/// The same for whoever cannot wait: a call that is being dropped.
pub fn record_at_once<E: Entry>(platform: &Platform, entry: E) {
    put::<E>(platform, entry);
}

fn put<E: Entry>(platform: &Platform, entry: E) -> usize {
    let log = platform.kept.of::<Log<E>>();
    let waiting = {
        let mut waiting = log.lock();
        waiting.push_back(entry);
        waiting.len()
    };
    log.wake.notify_one();
    waiting
}

/// Writes entries as they come, until it is dropped.
pub async fn write_as_they_come<E: Entry>(platform: Platform) {
    let log = platform.kept.of::<Log<E>>();
    let mut retry = Retry::of(E::WHAT);
    loop {
        match log.write_out(&platform).await {
            Ok(()) => {
                retry.succeeded();
                sleep(REST).await;
                log.wake.notified().await;
            }
            Err(error) => retry.failed(&error).await,
        }
    }
}

/// Writes what still waits when the server ends.
pub async fn flush<E: Entry>(platform: &Platform) {
    let log = platform.kept.of::<Log<E>>();
    let written = tokio::time::timeout(LAST_LIMIT, log.write_out(platform)).await;
    let lost = log.lock().len();
    if lost > 0 {
        let cause =
            written.map_err(|_| "it took too long".to_owned()).and_then(|done| done.map_err(|error| error.to_string()));
        tracing::error!(lost, what = E::WHAT, ?cause, "what happened was not recorded");
    }
}
