//! Waiting between attempts of background work, with one line in the log when something goes away and one when it is back.

use std::time::Duration;

use crate::platform::errors::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Characters of an error in the log.
const LONGEST_CAUSE: usize = 300;

/// The attempts at one thing.
#[derive(Debug)]
pub struct Retry {
    what: &'static str,
    pause: Duration,
    failing: bool,
}

impl Retry {
    pub fn of(what: &'static str) -> Self {
        Self { what, pause: FIRST_PAUSE, failing: false }
    }

    pub fn succeeded(&mut self) {
        if self.failing {
            tracing::info!("{} again", self.what);
        }
        self.failing = false;
        self.pause = FIRST_PAUSE;
    }

    /// Waits longer after each failure in a row.
    pub async fn failed(&mut self, error: &Error) {
        // Redis names every command of a batch that it refused.
        let error: String = error.to_string().chars().take(LONGEST_CAUSE).collect();
        if self.failing {
            tracing::debug!(error, "{}: still failing", self.what);
        } else {
            tracing::warn!(error, "{}: failed, trying until it works", self.what);
        }
        self.failing = true;
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }
}
