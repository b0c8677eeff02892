//! The task that sends what waits. Each letter is taken for a while, sent outside of any transaction, and removed; one
//! whose sender died meanwhile is taken again. So a letter may arrive twice after a crash, under the same message id.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use super::transport::{Refusal, Transport};
use super::{LETTERS, Letter};
use crate::platform::clock::SharedClock;
use crate::platform::database::Database;
use crate::platform::errors::{Error, Result};
use crate::platform::retry::Retry;
use crate::platform::sealing::Sealing;

/// How often to look for letters of other processes and for those whose time has come.
const POLL: Duration = Duration::from_secs(2);
/// After so many refusals, over about two days, nobody waits for the letter any more.
const ATTEMPTS: i32 = 20;

/// Everything the task needs.
#[derive(Debug)]
pub(super) struct Room {
    pub database: Database,
    pub sealing: Sealing,
    pub clock: SharedClock,
    pub transport: Transport,
    pub wake: Arc<Notify>,
}

/// Takes the letter that waits longest. Who takes it has five minutes.
const TAKE_SQL: &str = "UPDATE platform.mails SET attempts = attempts + 1, due_at = now() + interval '5 minutes' \
     WHERE id = (SELECT id FROM platform.mails WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
     RETURNING id, letter, attempts";
/// Two seconds after the first refusal, then twice as long after each, up to six hours.
const POSTPONE_SQL: &str = "UPDATE platform.mails SET \
     due_at = now() + least(interval '6 hours', interval '1 second' * power(2, least(attempts, 20))) WHERE id = $1";
const REMOVE_SQL: &str = "DELETE FROM platform.mails WHERE id = $1";

impl Room {
    pub(super) async fn run(self) {
        let mut retry = Retry::of("looking for letters to send");
        loop {
            match self.send_next().await {
                Ok(true) => retry.succeeded(),
                Ok(false) => {
                    retry.succeeded();
                    // Woken or not: there may be something to do.
                    let _ = timeout(POLL, self.wake.notified()).await;
                }
                Err(error) => retry.failed(&error).await,
            }
        }
    }

    /// Sends one letter; false when none waits.
    async fn send_next(&self) -> Result<bool> {
        let pool = self.database.pool();
        let taken: Option<(Uuid, Vec<u8>, i32)> =
            sqlx::query_as(TAKE_SQL).fetch_optional(pool).await.map_err(Error::internal)?;
        let Some((id, letter, attempts)) = taken else { return Ok(false) };
        let after = match self.send(id, &letter).await {
            Ok(()) => {
                tracing::info!(mail = %id, "mail sent");
                REMOVE_SQL
            }
            Err(Refusal::ForNow(cause)) if attempts < ATTEMPTS => {
                tracing::warn!(mail = %id, attempts, cause, "mail was not taken and is sent again later");
                POSTPONE_SQL
            }
            Err(Refusal::ForNow(cause) | Refusal::ForGood(cause)) => {
                tracing::error!(mail = %id, attempts, cause, "mail was not taken and is given up");
                REMOVE_SQL
            }
        };
        sqlx::query(after).bind(id).execute(pool).await.map_err(Error::internal)?;
        Ok(true)
    }

    async fn send(&self, id: Uuid, sealed: &[u8]) -> Result<(), Refusal> {
        // A key that is missing now may be given later.
        let plain = self.sealing.open(LETTERS, id, sealed).map_err(|error| Refusal::ForNow(error.to_string()))?;
        let letter: Letter = serde_json::from_slice(&plain).map_err(|error| Refusal::ForGood(error.to_string()))?;
        self.transport.send(id, &letter, &self.clock).await
    }
}
