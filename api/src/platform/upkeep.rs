//! What has to be done now and then: partitions made ahead, what nobody asks for any more removed.
//! A running server does it each day; `trellis maintain` does it once, and also removes audit entries whose time is over,
//! which only the owner of the schema can.

use std::fmt;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::config::Stores;
use super::database::Database;
use super::errors::{Error, Result};
use super::request::Platform;

/// Months for which audit partitions are made ahead.
const MONTHS_AHEAD: i32 = 3;
/// Rows removed by one statement, so that none comes near the time that statements are given.
const BATCH: i64 = 5_000;
const EACH: Duration = Duration::from_hours(24);

/// Rows of a table that nobody needs any more.
struct Expiry {
    what: &'static str,
    table: &'static str,
    condition: &'static str,
}

const EXPIRIES: [Expiry; 4] = [
    // How long a retried mutation finds its first outcome.
    Expiry {
        what: "idempotency keys",
        table: "platform.idempotency_keys",
        condition: "created_at < now() - interval '48 hours'",
    },
    Expiry {
        what: "idempotency answers",
        table: "platform.idempotency_answers",
        condition: "created_at < now() - interval '48 hours'",
    },
    // How far back a subscription can resume. What Redis has not seen waits for it longer, but not for ever.
    Expiry {
        what: "events",
        table: "platform.outbox",
        condition: "created_at < now() - interval '14 days' AND position IS NOT NULL \
                    AND (position <= (SELECT published_position FROM platform.feed) \
                         OR created_at < now() - interval '60 days')",
    },
    // One that ended early is kept as long, for whoever asks what happened.
    Expiry { what: "sessions", table: "identity.sessions", condition: "expires_at < now() - interval '30 days'" },
];

/// What one round of upkeep removed: of each kind, how many rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep(Vec<(&'static str, u64)>);

impl fmt::Display for Upkeep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("removed ")?;
        for (index, (what, count)) in self.0.iter().enumerate() {
            write!(formatter, "{}{count} {what}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// One round of what the server's own role may do. Safe to run at any time, by several at once.
pub async fn once(platform: &Platform) -> Result<Upkeep> {
    let connection = platform.database.connection();
    let ahead = statement("SELECT audit.ensure_partitions($1)", [MONTHS_AHEAD.into()]);
    connection.execute_raw(ahead).await?;
    let mut done = Upkeep::default();
    for Expiry { what, table, condition } in &EXPIRIES {
        // Rows that another round is removing are left to it.
        let sql = format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(\
             SELECT ctid FROM {table} WHERE {condition} LIMIT $1 FOR UPDATE SKIP LOCKED))"
        );
        let mut count = 0;
        loop {
            let removed = connection.execute_raw(statement(&sql, [BATCH.into()])).await?.rows_affected();
            count += removed;
            if removed < BATCH.unsigned_abs() {
                break;
            }
        }
        done.0.push((what, count));
    }
    Ok(done)
}

/// Removes audit entries whose time is over: what each entry says itself, else what its organization has set.
pub async fn remove_expired_audit(stores: &Stores) -> Result<Upkeep> {
    let owner = Database::connect_as_owner(stores).await?;
    let mut count = 0;
    loop {
        let remove = statement("SELECT audit.remove_expired($1) AS removed", [BATCH.into()]);
        let row = owner.connection().query_one_raw(remove).await?;
        let row = row.ok_or_else(|| Error::internal("audit.remove_expired gave no row"))?;
        let removed: i64 = row.try_get("", "removed")?;
        count += removed.unsigned_abs();
        if removed == 0 {
            break;
        }
    }
    owner.pool().close().await;
    Ok(Upkeep(vec![("audit entries", count)]))
}

fn statement<const N: usize>(sql: &str, values: [sea_orm::Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// A round at once and then each day, until the process ends.
pub async fn daily(platform: Platform) {
    let mut rounds = tokio::time::interval(EACH);
    loop {
        rounds.tick().await;
        match once(&platform).await {
            Ok(done) => tracing::info!(%done, "upkeep"),
            Err(error) => tracing::warn!(%error, "upkeep failed and is tried again tomorrow"),
        }
    }
}
