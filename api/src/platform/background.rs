//! Tasks beside the requests, each of which ends when its handle is dropped, and places for what only so many do at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::errors::Result;
use super::retry::Retry;

/// The handle of a task.
#[derive(Debug)]
#[must_use = "the task ends with its handle"]
pub struct Background(JoinHandle<()>);

impl Background {
    pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Repeats a step until it is dropped: at once after one that found something to do, else after a pause.
pub async fn repeat(what: &'static str, pause: Duration, step: impl Fn() -> BoxFuture<'static, Result<bool>>) {
    let mut retry = Retry::of(what);
    loop {
        match step().await {
            Ok(true) => retry.succeeded(),
            Ok(false) => {
                retry.succeeded();
                tokio::time::sleep(pause).await;
            }
            Err(error) => retry.failed(&error).await,
        }
    }
}

/// Places for work: so much of it goes on at once in this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places(Arc<Semaphore>);

/// A place that was taken. It is free again once this is dropped.
#[derive(Debug)]
#[must_use = "the place is free again with it"]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub fn new(number: usize) -> Self {
        Self(Arc::new(Semaphore::new(number)))
    }

    /// Whether somebody has a place, or waits for one.
    pub fn are_wanted(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// A place, if one is free.
    pub fn try_take(&self) -> Option<Place> {
        Some(Place { _permit: Arc::clone(&self.0).try_acquire_owned().ok()? })
    }

    /// Waits for a place.
    pub async fn take(&self) -> Place {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        Place { _permit: permit.expect("Invariant: the places are never closed") }
    }
}
