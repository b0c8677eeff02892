//! How often keys are used, and when last. Counted in the process and written together now and then, never by a request;
//! what could not be written is kept for the next time, and a server that leaves writes what it has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::platform::database::Database;
use crate::platform::errors::Result;

/// Keys that one statement writes.
const BATCH: usize = 1_000;

// A write that stands on a key holds its row: it is not waited for while there is a next time. Gives the keys that were
// passed over; one that is gone needs no count.
macro_rules! write_sql {
    ($skip:literal) => {
        concat!(
            "WITH free AS MATERIALIZED (
                SELECT id FROM governance.api_keys WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE ",
            $skip,
            "), written AS (
                UPDATE governance.api_keys AS keys SET
                    usage_count = keys.usage_count + used.count,
                    last_used_at = greatest(keys.last_used_at, used.at),
                    last_used_ip = CASE WHEN keys.last_used_at > used.at THEN keys.last_used_ip ELSE used.ip::inet END
                FROM free JOIN unnest($1, $2, $3, $4) AS used (id, count, at, ip) USING (id)
                WHERE keys.id = free.id
                RETURNING keys.id
            )
            SELECT id FROM governance.api_keys WHERE id = ANY($1) AND id NOT IN (SELECT id FROM written)"
        )
    };
}

#[derive(Clone, Copy, Debug)]
struct Uses {
    count: i64,
    last_at: DateTime<Utc>,
    last_ip: Option<IpAddr>,
}

impl Uses {
    fn and(self, other: Self) -> Self {
        let last = if other.last_at >= self.last_at { other } else { self };
        Self { count: self.count + other.count, ..last }
    }
}

/// The uses that are not written yet.
#[derive(Debug, Default)]
pub struct KeyUsage {
    uses: Mutex<HashMap<ApiKeyId, Uses>>,
}

impl KeyUsage {
    /// Counts one use.
    pub fn count(&self, key: ApiKeyId, at: DateTime<Utc>, ip: Option<IpAddr>) {
        self.add(&mut self.lock(), key, Uses { count: 1, last_at: at, last_ip: ip.map(|ip| ip.to_canonical()) });
    }

    fn add(&self, uses: &mut HashMap<ApiKeyId, Uses>, key: ApiKeyId, more: Uses) {
        uses.entry(key).and_modify(|known| *known = known.and(more)).or_insert(more);
    }

    /// Writes what was counted, again after each such time, for as long as it is polled.
    pub async fn keep_written(&self, database: &Database, every: Duration) {
        let mut turn = interval(every);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            if let Err(error) = self.write(database, write_sql!("SKIP LOCKED")).await {
                tracing::warn!(%error, "the uses of keys are written later");
            }
        }
    }

    /// Writes everything that was counted: there is no next time.
    pub async fn write_all(&self, database: &Database) -> Result<()> {
        self.write(database, write_sql!("")).await
    }

    async fn write(&self, database: &Database, sql: &'static str) -> Result<()> {
        let counted: Vec<(ApiKeyId, Uses)> = std::mem::take(&mut *self.lock()).into_iter().collect();
        let mut outcome = Ok(());
        for batch in counted.chunks(BATCH) {
            let left = match outcome {
                Ok(()) => write_batch(database, sql, batch).await,
                Err(_) => Ok(batch.iter().map(|(key, _)| *key).collect()),
            };
            let left = left.unwrap_or_else(|error| {
                outcome = Err(error);
                batch.iter().map(|(key, _)| *key).collect()
            });
            let mut uses = self.lock();
            for (key, more) in batch.iter().filter(|(key, _)| left.contains(key)) {
                self.add(&mut uses, *key, *more);
            }
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Uses>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the keys whose uses are left to be written.
async fn write_batch(database: &Database, sql: &'static str, batch: &[(ApiKeyId, Uses)]) -> Result<Vec<ApiKeyId>> {
    let ids: Vec<Uuid> = batch.iter().map(|(key, _)| key.uuid()).collect();
    let counts: Vec<i64> = batch.iter().map(|(_, uses)| uses.count).collect();
    let times: Vec<DateTime<Utc>> = batch.iter().map(|(_, uses)| uses.last_at).collect();
    let addresses: Vec<Option<String>> = batch.iter().map(|(_, uses)| uses.last_ip.map(|ip| ip.to_string())).collect();
    let left: Vec<(Uuid,)> =
        sqlx::query_as(sql).bind(ids).bind(counts).bind(times).bind(addresses).fetch_all(database.pool()).await?;
    Ok(left.into_iter().map(|(id,)| ApiKeyId(id)).collect())
}
