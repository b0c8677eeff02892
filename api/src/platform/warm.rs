//! Connections that a statement has just left at rest, for the next statement to take: the pool itself asks PostgreSQL
//! after each use whether a connection still serves, which costs a read as much as a small statement.
//!
//! Only what ended well is held here. What was dropped halfway, or failed, goes back to the pool, which looks at it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sea_query::Values;
use sea_orm::{ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Postgres};
use tokio::runtime::Handle;

/// So long a connection rests here for a statement to take it, and less than twice as long.
const REST: Duration = Duration::from_millis(20);
/// After so long the pool looks at a connection, however busy it is.
const SHIFT: Duration = Duration::from_secs(1);

/// The connections of a pool that are warm.
#[derive(Clone, Debug)]
pub struct Warm {
    pool: PgPool,
    at_rest: Arc<AtRest>,
}

/// Somebody who waits for a connection because all are out. Meanwhile none rests.
#[derive(Debug)]
pub struct Waiter<'a>(&'a AtomicUsize);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection in use, and since when it is out of the pool.
#[derive(Debug)]
struct Taken {
    connection: PoolConnection<Postgres>,
    out_since: Instant,
}

/// A connection that nobody uses, and since when.
#[derive(Debug)]
struct Rested {
    taken: Taken,
    since: Instant,
}

#[derive(Debug, Default)]
struct AtRest {
    resting: Mutex<Resting>,
    /// How many wait for a connection because all are out.
    waiters: AtomicUsize,
}

#[derive(Debug, Default)]
struct Resting {
    /// The last one used behind the others.
    connections: Vec<Rested>,
    /// Whether a task gives back those that nobody takes.
    is_watched: bool,
}

impl AtRest {
    fn lock(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtRest {
    fn drop(&mut self) {
        // Giving one back takes a runtime. Where that has ended before, the process is ending too.
        if Handle::try_current().is_err() {
            std::mem::forget(std::mem::take(&mut self.lock().connections));
        }
    }
}

impl Warm {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, at_rest: Arc::default() }
    }

    /// All rows of a statement that reads. Errors are those of SeaORM's own connection.
    pub async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut taken = self.take().await?;
        let values = SqlxValues(statement.values.unwrap_or_else(|| Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = query.fetch_all(&mut *taken.connection).await.map_err(|error| DbErr::Query(sqlx_error(error)))?;
        self.put_back(taken);
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    /// The connection that was used last, or one of the pool's.
    async fn take(&self) -> Result<Taken, DbErr> {
        let last = self.at_rest.lock().connections.pop();
        if let Some(rested) = last {
            return Ok(rested.taken);
        }
        let _waiter = self.waiter();
        match self.pool.acquire().await {
            Ok(connection) => Ok(Taken { connection, out_since: Instant::now() }),
            Err(sqlx::Error::PoolTimedOut) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
            Err(sqlx::Error::PoolClosed) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(error) => Err(DbErr::Conn(sqlx_error(error))),
        }
    }

    /// Says that somebody is about to wait for a connection of the pool, if all are out. Those that rest go back to it.
    pub fn waiter(&self) -> Option<Waiter<'_>> {
        self.are_all_out().then(|| {
            self.at_rest.waiters.fetch_add(1, Ordering::Relaxed);
            self.at_rest.lock().connections.clear();
            Waiter(&self.at_rest.waiters)
        })
    }

    /// How many connections rest.
    pub fn count(&self) -> usize {
        self.at_rest.lock().connections.len()
    }

    fn are_all_out(&self) -> bool {
        self.pool.size() >= self.pool.options().get_max_connections() && self.pool.num_idle() == 0
    }

    /// Leaves the connection to the next statement, as long as nobody else lacks one.
    fn put_back(&self, taken: Taken) {
        let now = Instant::now();
        let is_wanted = self.at_rest.waiters.load(Ordering::Relaxed) > 0 || self.are_all_out() || self.pool.is_closed();
        if is_wanted || now.duration_since(taken.out_since) > SHIFT {
            return;
        }
        let is_watched = {
            let mut resting = self.at_rest.lock();
            resting.connections.push(Rested { taken, since: now });
            std::mem::replace(&mut resting.is_watched, true)
        };
        if !is_watched {
            tokio::spawn(self.clone().give_back());
        }
    }

    /// Gives those back that nobody took, until all are gone.
    async fn give_back(self) {
        loop {
            tokio::time::sleep(REST).await;
            let mut resting = self.at_rest.lock();
            let unused = resting.connections.partition_point(|rested| rested.since.elapsed() >= REST);
            resting.connections.drain(..unused);
            if resting.connections.is_empty() {
                resting.is_watched = false;
                return;
            }
        }
    }
}

fn sqlx_error(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}
