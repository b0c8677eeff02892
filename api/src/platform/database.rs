//! The connection pool and the counting connection that every query goes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqlxPostgresConnector, Statement, TransactionTrait,
};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tracing::Instrument;

use super::config::Stores;
use super::errors::{Error, Result};
use super::held::HeldRows;
use super::telemetry::TRACE;
use super::warm::Warm;

const SERVER_START_SQL: &str = "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

/// What work that nobody waits for may still take.
const SHORT_WORK: Duration = Duration::from_millis(100);

/// The pool, shared by the whole process.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    pool: PgPool,
    warm: Warm,
    held_rows: Arc<HeldRows>,
}

impl Database {
    /// Opens the pool as the server's role, for operations that take so long at most. Fails when PostgreSQL cannot be
    /// reached.
    pub async fn connect(stores: &Stores, operation_timeout: Duration) -> Result<Self> {
        // The operation itself gives up first, with an answer; this ends what nobody waits for any more.
        let timeout = operation_timeout + Duration::from_secs(1);
        Self::connect_as(stores, &stores.database_role, timeout).await
    }

    /// Opens the pool as the owner of the schema: for migrations, which take what they take.
    pub async fn connect_as_owner(stores: &Stores) -> Result<Self> {
        Self::connect_as(stores, "", Duration::ZERO).await
    }

    async fn connect_as(stores: &Stores, role: &str, statement_timeout: Duration) -> Result<Self> {
        let mut options: PgConnectOptions = stores
            .database_url
            .reveal()
            .parse()
            .map_err(|_| Error::internal("DATABASE_URL is not a PostgreSQL address"))?;
        options = options
            .application_name("trellis")
            // The default of 100 is emptied by list queries of many shapes.
            .statement_cache_capacity(512)
            .options([
                ("statement_timeout", &*format!("{}ms", statement_timeout.as_millis())),
                // A statement whose connection was closed is cancelled: see `is_at_rest`.
                ("client_connection_check_interval", "250ms"),
                // One open writer holds the event feed back, so writers are kept short.
                ("idle_in_transaction_session_timeout", "10s"),
                ("lock_timeout", "5s"),
                ("jit", "off"),
                // Planning our statements takes longer than running them, and what they are bound to hardly matters.
                ("plan_cache_mode", "force_generic_plan"),
            ]);
        if !role.is_empty() {
            options = options.options([("role", role)]);
        }
        let held_rows = Arc::new(HeldRows::new(stores.held_rows));
        let of_connection = Arc::clone(&held_rows);
        let pool = PgPoolOptions::new()
            .max_connections(stores.database_connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            // A round trip before each query would cost more than the rare retry: only idle connections are tried.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let held_rows = Arc::clone(&of_connection);
                Box::pin(async move {
                    held_rows.connected_to(sqlx::query_scalar(SERVER_START_SQL).fetch_one(connection).await?);
                    Ok(())
                })
            })
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > Duration::from_secs(1) {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_release(|connection, _| Box::pin(async move { Ok(is_at_rest(connection).await) }))
            .connect_with(options)
            .await
            .map_err(|error| Error::internal(unreached(&error, role)))?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
        Ok(Self { connection, warm: Warm::new(pool.clone()), pool, held_rows })
    }

    /// A connection whose statements are counted in `statements`.
    pub fn counted(&self, statements: Arc<AtomicU32>) -> Counted {
        Counted { connection: self.connection.clone(), warm: self.warm.clone(), statements }
    }

    /// The rows that were decoded before.
    pub fn held_rows(&self) -> &Arc<HeldRows> {
        &self.held_rows
    }

    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How many open connections nobody uses.
    pub fn idle_connections(&self) -> usize {
        self.pool.num_idle() + self.warm.count()
    }

    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let _waiter = self.warm.waiter();
        Ok(self.connection.begin().await?)
    }

    /// Whether PostgreSQL answers.
    pub async fn ping(&self) -> Result<()> {
        self.connection.execute_unprepared("SELECT 1").await?;
        Ok(())
    }
}

/// Whether a connection that comes back can be used again. The operation that held it may have been dropped (its client
/// left, or its time was over) while PostgreSQL still worked for it. Short work may end; longer work is cancelled by
/// closing the connection.
async fn is_at_rest(connection: &mut PgConnection) -> bool {
    // Waits for the answers that are due, and says nothing when there are none.
    matches!(tokio::time::timeout(SHORT_WORK, connection.flush()).await, Ok(Ok(())))
}

/// Why there is no connection, for the operator.
fn unreached(error: &sqlx::Error, role: &str) -> String {
    match error.as_database_error() {
        // The value of a parameter: of those that are sent, only the role can be wrong.
        Some(refusal) if refusal.code().as_deref() == Some("22023") && !role.is_empty() => format!(
            "TRELLIS_DATABASE_ROLE is {role:?}, which PostgreSQL does not have ({}). `trellis migrate up` makes the \
             role trellis_server",
            refusal.message()
        ),
        Some(refusal) => format!("PostgreSQL refuses the connection of DATABASE_URL: {}", refusal.message()),
        None => format!("PostgreSQL does not answer at DATABASE_URL: {error}"),
    }
}

/// A connection that counts what it sends, so that a test can assert the exact number of statements of a query.
#[derive(Clone, Debug)]
pub struct Counted {
    connection: DatabaseConnection,
    warm: Warm,
    statements: Arc<AtomicU32>,
}

impl Counted {
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Counts a statement, and gives its span. Values are no part of a statement's text.
    fn begin(&self, sql: &str) -> tracing::Span {
        self.statements.fetch_add(1, Ordering::Relaxed);
        tracing::debug_span!(target: TRACE, "statement", otel.kind = "client", db.system = "postgresql", db.statement = sql)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Counted {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let span = self.begin(&statement.sql);
        self.connection.execute_raw(statement).instrument(span).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let span = self.begin(sql);
        self.connection.execute_unprepared(sql).instrument(span).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let span = self.begin(&statement.sql);
        // All rows come: who asks for one limits the statement.
        Ok(self.warm.rows(statement).instrument(span).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let span = self.begin(&statement.sql);
        self.warm.rows(statement).instrument(span).await
    }
}
