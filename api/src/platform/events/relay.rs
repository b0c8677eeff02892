//! Gives committed events their positions. One process of the cluster leads: the one whose session holds the advisory
//! lock, and it places through that same session, so a process that lost the lock cannot place anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};
use tokio::time::timeout;

use super::Shared;
use crate::platform::errors::{Error, Result};
use crate::platform::retry::Retry;

/// "feed" and "relay", so that it is no other lock of the database.
const LEADER_LOCK: i64 = 0x6665_6564_7265_6c61;

/// How often a standby tries to take over.
const STANDBY_POLL: Duration = Duration::from_secs(1);
/// How often the leader looks without being told.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// The same while Redis is away, when other processes cannot tell.
const UNTOLD_POLL: Duration = Duration::from_millis(250);
/// The waits while an open writer holds events back.
const SHORTEST_HOLD: Duration = Duration::from_millis(5);
const LONGEST_HOLD: Duration = Duration::from_millis(160);
/// A statement without an answer for this long means that the connection is dead.
const STATEMENT_LIMIT: Duration = Duration::from_secs(20);

/// Rows are taken by id, up to the first whose transaction might have an older one still open beside it: every open
/// transaction stands at or above the snapshot's xmin. A row taken out of turn could pass an older one of its resource.
const PLACE_SQL: &str = "WITH waiting AS MATERIALIZED ( \
         SELECT id, xid, created_at FROM platform.outbox WHERE position IS NULL ORDER BY id LIMIT $1 \
     ), held AS MATERIALIZED ( \
         SELECT min(id) AS id FROM waiting WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()) \
     ), ready AS MATERIALIZED ( \
         SELECT waiting.id, row_number() OVER (ORDER BY waiting.id) AS place FROM waiting, held \
         WHERE held.id IS NULL OR waiting.id < held.id \
     ), counted AS MATERIALIZED ( \
         SELECT count(*) AS events FROM ready \
     ), advanced AS ( \
         UPDATE platform.feed SET last_position = feed.last_position + counted.events FROM counted \
         WHERE feed.id = 1 AND counted.events > 0 \
         RETURNING feed.last_position, feed.last_position - counted.events AS base \
     ), placed AS ( \
         UPDATE platform.outbox SET position = advanced.base + ready.place FROM ready, advanced \
         WHERE outbox.id = ready.id \
     ) \
     SELECT counted.events AS placed, feed.published_position, \
         coalesce((SELECT last_position FROM advanced), feed.last_position) AS last_position, \
         (SELECT count(*) FROM waiting) - counted.events AS held_back, \
         coalesce((SELECT extract(epoch FROM clock_timestamp() - waiting.created_at)::float8 FROM waiting, held \
             WHERE waiting.id = held.id), 0) AS held_seconds \
     FROM counted, platform.feed WHERE feed.id = 1";

/// What one look at the outbox did.
#[derive(Debug)]
struct Placed {
    events: i64,
    last_position: i64,
    published_position: i64,
    held_back: i64,
    held_for: Duration,
}

/// Leads or stands by until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) -> Infallible {
    let mut retry = Retry::of("placing events in the feed");
    loop {
        let Err(error) = lead(&shared, &mut retry).await;
        shared.become_role(Role::Standby);
        retry.failed(&error).await;
    }
}

/// What this process is to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Not known yet.
    Starting,
    Standby,
    Leader,
}

async fn lead(shared: &Shared, retry: &mut Retry) -> Result<Infallible> {
    let mut connection = connect(shared).await?;
    while !try_lock(&mut connection).await? {
        retry.succeeded();
        shared.become_role(Role::Standby);
        tokio::time::sleep(STANDBY_POLL).await;
    }
    tracing::info!("this process leads the event feed");
    shared.become_role(Role::Leader);
    let mut hold = SHORTEST_HOLD;
    loop {
        let placed = place(&mut connection, shared.pace.batch).await?;
        retry.succeeded();
        shared.gauges.placed(placed.last_position, placed.held_back, placed.held_for);
        shared.gauges.published(placed.published_position);
        if placed.events > 0 {
            shared.hub.wake.notify_one();
            shared.delivery_wake.notify_one();
            hold = SHORTEST_HOLD;
        }
        let is_full_batch = placed.held_back == 0 && placed.events >= rows(shared.pace.batch);
        if is_full_batch {
            continue;
        }
        let wait = if placed.held_back > 0 {
            let longer = (hold * 2).min(LONGEST_HOLD);
            std::mem::replace(&mut hold, longer)
        } else if shared.channels.is_connected() {
            IDLE_POLL
        } else {
            UNTOLD_POLL
        };
        // Whether it was told or not, it looks again.
        let _ = timeout(wait, shared.relay_wake.notified()).await;
    }
}

/// A connection of the relay's own. PostgreSQL ends the session, and with it the leadership, of a process that is gone
/// without a word: a living leader never idles that long.
async fn connect(shared: &Shared) -> Result<PgConnection> {
    let options = (*shared.database.pool().connect_options()).clone().options([("idle_session_timeout", "15s")]);
    limited(PgConnection::connect_with(&options)).await
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool> {
    let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LEADER_LOCK);
    limited(query.fetch_one(connection)).await
}

async fn place(connection: &mut PgConnection, batch: usize) -> Result<Placed> {
    let row = limited(sqlx::query(PLACE_SQL).bind(rows(batch)).fetch_one(connection)).await?;
    let decode = || -> sqlx::Result<Placed> {
        Ok(Placed {
            events: row.try_get("placed")?,
            last_position: row.try_get("last_position")?,
            published_position: row.try_get("published_position")?,
            held_back: row.try_get("held_back")?,
            // A clock that was set back makes it negative.
            held_for: Duration::try_from_secs_f64(row.try_get("held_seconds")?).unwrap_or_default(),
        })
    };
    decode().map_err(Error::internal)
}

async fn limited<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    match timeout(STATEMENT_LIMIT, statement).await {
        Ok(answer) => answer.map_err(Error::internal),
        Err(_) => Err(Error::Timeout),
    }
}

fn rows(batch: usize) -> i64 {
    i64::try_from(batch).unwrap_or(i64::MAX)
}
