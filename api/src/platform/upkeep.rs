//! What has to be done now and then: partitions made ahead, what nobody asks for any more removed, secrets sealed under
//! the present key.
//! What only a domain knows how to do is a chore that it brings.
//! A running server does it each day; `trellis maintain` does it once, and also removes audit entries whose time is over,
//! which only the owner of the schema can.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::config::Stores;
use super::database::Database;
use super::errors::{Error, Result};
use super::request::Platform;

/// Months for which the partitions of the audit log and of decisions are made ahead.
const MONTHS_AHEAD: i32 = 3;
/// Days for which those of the calls of tools are, and for how many they are kept.
const DAYS_AHEAD: i32 = 3;
const DAYS_KEPT: i32 = 90;
/// Rows removed by one statement, so that none comes near the time that statements are given.
const BATCH: i64 = 5_000;
const EACH: Duration = Duration::from_hours(24);

/// Rows of a table that nobody needs any more.
struct Expiry {
    what: &'static str,
    table: &'static str,
    condition: &'static str,
}

const EXPIRIES: [Expiry; 13] = [
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
    Expiry {
        what: "links sent by mail",
        table: "identity.verification_tokens",
        condition: "expires_at < now() - interval '30 days'",
    },
    Expiry {
        what: "unfinished sign-ins",
        table: "identity.sign_in_challenges",
        condition: "expires_at < now() - interval '1 day'",
    },
    Expiry { what: "sign-ups", table: "identity.sign_ups", condition: "expires_at < now() - interval '1 day'" },
    Expiry {
        what: "ways to providers",
        table: "identity.openid_journeys",
        condition: "expires_at < now() - interval '1 day'",
    },
    Expiry {
        what: "requests to reset a password",
        table: "identity.password_reset_requests",
        condition: "handled_at < now() - interval '1 day'",
    },
    // Of each version the last one stays, and what it found.
    Expiry {
        what: "runs of discovery",
        table: "governance.mcp_discoveries",
        condition: "created_at < now() - interval '30 days' AND status <> 'running' AND tools IS NULL \
                    AND EXISTS (SELECT FROM governance.mcp_discoveries AS later \
                        WHERE later.version_id = mcp_discoveries.version_id AND later.status = mcp_discoveries.status \
                        AND later.created_at > mcp_discoveries.created_at)",
    },
    // What they add up to stays in their budgets. The longest window is a month.
    Expiry {
        what: "reservations",
        table: "metering.reservations",
        condition: "created_at < now() - interval '90 days' AND state <> 'held'",
    },
    // An id that is older is not taken any more.
    Expiry {
        what: "ids of calls",
        table: "metering.mcp_call_ids",
        condition: "created_at < now() - interval '40 days'",
    },
    // They hold addresses of people who may have no account.
    Expiry { what: "invitations", table: "tenancy.invitations", condition: "expires_at < now() - interval '90 days'" },
];

/// Rows that only a domain knows how to find and remove.
#[derive(Clone, Copy)]
pub struct Chore {
    pub what: &'static str,
    /// Removes them and says how many there were.
    pub run: for<'a> fn(&'a Platform) -> BoxFuture<'a, Result<u64>>,
}

/// What one round of upkeep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Of each kind, how many rows.
    removed: Vec<(&'static str, u64)>,
    /// How many stored secrets were sealed under the present key.
    resealed: u64,
}

impl fmt::Display for Upkeep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("removed ")?;
        for (index, (what, count)) in self.removed.iter().enumerate() {
            write!(formatter, "{}{count} {what}", if index > 0 { ", " } else { "" })?;
        }
        if self.resealed > 0 {
            write!(formatter, "; sealed {} secrets anew", self.resealed)?;
        }
        Ok(())
    }
}

/// One round of what the server's own role may do. Safe to run at any time, by several at once.
pub async fn once(platform: &Platform, chores: &[Chore]) -> Result<Upkeep> {
    let connection = platform.database.connection();
    connection.execute_raw(statement("SELECT audit.ensure_partitions($1)", [MONTHS_AHEAD.into()])).await?;
    let mut done = Upkeep::default();
    for (what, sql, ahead, kept) in [
        (
            "months of decisions",
            "SELECT governance.keep_partitions($1, $2) AS dropped",
            MONTHS_AHEAD,
            platform.config.decision_months,
        ),
        ("days of calls", "SELECT metering.keep_partitions($1, $2) AS dropped", DAYS_AHEAD, DAYS_KEPT),
    ] {
        let row = connection.query_one_raw(statement(sql, [ahead.into(), kept.into()])).await?;
        let row = row.ok_or_else(|| Error::internal("a function that drops partitions gave no row"))?;
        let dropped: i64 = row.try_get("", "dropped")?;
        done.removed.push((what, dropped.unsigned_abs()));
    }
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
        done.removed.push((what, count));
    }
    for Chore { what, run } in chores {
        done.removed.push((what, run(platform).await?));
    }
    done.resealed = platform.sealing.reseal(&platform.database).await?;
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
    Ok(Upkeep { removed: vec![("audit entries", count)], resealed: 0 })
}

fn statement<const N: usize>(sql: &str, values: [sea_orm::Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// A round at once and then each day, until the process ends.
pub async fn daily(platform: Platform, chores: &'static [Chore]) {
    let mut rounds = tokio::time::interval(EACH);
    loop {
        rounds.tick().await;
        match once(&platform, chores).await {
            Ok(done) => tracing::info!(%done, "upkeep"),
            Err(error) => tracing::warn!(%error, "upkeep failed and is tried again tomorrow"),
        }
    }
}
