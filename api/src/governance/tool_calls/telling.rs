//! Telling how far a call has come. A server may say so a thousand times a second: followers are told twice.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::metering::mcp_usage::{CallEvent, Whose};
use crate::platform::background::Background;
use crate::platform::errors::Result;
use crate::platform::mcp::Progress;
use crate::platform::request::{Platform, Request};

/// Between two things that are told of one call.
const EACH: Duration = Duration::from_millis(500);

/// Whoever is told of a call's progress, until this is dropped.
pub struct Telling {
    latest: watch::Sender<Option<Progress>>,
    _teller: Background,
}

impl Telling {
    /// Tells of a call that is about to begin.
    pub fn of(platform: &Platform, whose: Whose) -> Self {
        let (latest, seen) = watch::channel(None);
        Self { latest, _teller: Background::spawn(tell(platform.clone(), whose, seen)) }
    }

    /// The server says how far it has come.
    pub fn note(&self, progress: Progress) {
        self.latest.send_replace(Some(progress));
    }
}

async fn tell(platform: Platform, whose: Whose, mut seen: watch::Receiver<Option<Progress>>) {
    while seen.changed().await.is_ok() {
        let latest = seen.borrow_and_update().clone();
        if let Some(progress) = latest
            && let Err(error) = tell_once(&platform, whose, progress).await
        {
            tracing::debug!(%error, call = %whose.call, "the progress of a call is not told");
        }
        sleep(EACH).await;
    }
}

async fn tell_once(platform: &Platform, whose: Whose, progress: Progress) -> Result<()> {
    let request = Request::as_system(platform, "the progress of a call of a tool is told");
    let mut write = request.begin_write().await?;
    write.record(&CallEvent::progressed(whose, progress));
    write.commit(()).await?;
    Ok(())
}
