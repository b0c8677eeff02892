//! Waiting for what happens soon: a condition is asked again until it holds, and nothing waits for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// What the condition gives once it holds.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < give_up, "waited in vain: {what}");
        sleep(PAUSE).await;
    }
}

/// What the future gives, unless it takes too long.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
