//! What has to be done now and then: partitions made ahead, what nobody asks for any more removed.
//! `trellis maintain` does it once; a running server does it each day.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::errors::Result;
use super::request::Platform;

/// Months for which audit partitions are made ahead.
const MONTHS_AHEAD: i32 = 3;
/// How long a retried mutation finds its first answer.
const IDEMPOTENCY_HOURS: i32 = 48;
/// How far back a subscription can resume.
const FEED_DAYS: i32 = 14;
const EACH: Duration = Duration::from_hours(24);

/// What one round of upkeep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    pub idempotency_keys: u64,
    pub idempotency_answers: u64,
    pub events: u64,
}

/// One round. Safe to run at any time, by several at once.
pub async fn once(platform: &Platform) -> Result<Upkeep> {
    let connection = platform.database.connection();
    let run = |sql: &str, limit: i32| Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()]);
    connection.execute_raw(run("SELECT audit.ensure_partitions($1)", MONTHS_AHEAD)).await?;
    let removed = |sql: &'static str, limit| async move {
        let result = connection.execute_raw(run(sql, limit)).await?;
        Ok::<u64, super::errors::Error>(result.rows_affected())
    };
    Ok(Upkeep {
        idempotency_keys: removed(
            "DELETE FROM platform.idempotency_keys WHERE created_at < now() - make_interval(hours => $1)",
            IDEMPOTENCY_HOURS,
        )
        .await?,
        idempotency_answers: removed(
            "DELETE FROM platform.idempotency_answers WHERE created_at < now() - make_interval(hours => $1)",
            IDEMPOTENCY_HOURS,
        )
        .await?,
        events: removed(
            "DELETE FROM platform.outbox WHERE created_at < now() - make_interval(days => $1) \
             AND position <= (SELECT published_position FROM platform.feed)",
            FEED_DAYS,
        )
        .await?,
    })
}

/// A round at once and then each day, until the process ends.
pub async fn daily(platform: Platform) {
    let mut rounds = tokio::time::interval(EACH);
    loop {
        rounds.tick().await;
        match once(&platform).await {
            Ok(done) => tracing::info!(?done, "upkeep"),
            Err(error) => tracing::warn!(%error, "upkeep failed and is tried again tomorrow"),
        }
    }
}
