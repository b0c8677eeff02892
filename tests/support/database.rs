//! A PostgreSQL database for each test, cloned from a template and dropped with the test. The template is made once
//! for each build of the test binary: migrated, and settled by the cast through the API.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use api::platform::config::Stores;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection, PgConnection};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::waiting::eventually;
use super::world;

/// The setting, or the sentence that says what to do about it.
pub fn environment(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `./dev test`, which starts and builds what the tests need."))
}

fn server() -> PgConnectOptions {
    environment("TRELLIS_TEST_DATABASE_URL").parse().expect("TRELLIS_TEST_DATABASE_URL is a PostgreSQL address")
}

async fn maintenance() -> PgConnection {
    server().connect().await.expect("the PostgreSQL of TRELLIS_TEST_DATABASE_URL answers")
}

async fn run(connection: &mut PgConnection, sql: &str) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        panic!("{sql}: {error}");
    }
}

/// The digest of each table.
pub type Digest = BTreeMap<String, String>;

/// Databases at once: a machine with many cores runs as many tests, and PostgreSQL has only so many connections.
static PLACES: Semaphore = Semaphore::const_new(20);

/// A database of one test.
pub struct Database {
    name: String,
    pool: PgPool,
    _place: SemaphorePermit<'static>,
}

impl Database {
    /// A database with the cast in it.
    pub async fn settled() -> Self {
        Self::create(&template().await).await
    }

    /// A database with nothing in it, not even the schema.
    pub async fn empty() -> Self {
        Self::create("template0").await
    }

    async fn create(template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let place = PLACES.acquire().await.expect("the places are never closed");
        let name = format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = maintenance().await;
        run(&mut connection, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")).await;
        let options = server().database(&name).application_name("tests");
        let pool = PgPoolOptions::new().max_connections(2).min_connections(0).connect_lazy_with(options);
        Self { name, pool, _place: place }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the database, for a server to connect to.
    pub fn url(&self) -> String {
        let address = environment("TRELLIS_TEST_DATABASE_URL");
        let (address, query) = address
            .split_once('?')
            .map_or((address.as_str(), String::new()), |(address, query)| (address, format!("?{query}")));
        let authority = address.match_indices('/').nth(2).map_or(address, |(end, _)| &address[..end]);
        format!("{authority}/{}{query}", self.name)
    }

    /// How a server reaches it with so many connections, as its owner and without a Redis.
    pub fn stores(&self, connections: u32) -> Stores {
        Stores {
            database_url: self.url().into(),
            redis_url: String::new().into(),
            redis_prefix: String::new(),
            database_connections: connections,
            held_rows: 1_000,
            database_role: String::new(),
        }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Runs statements as the superuser.
    pub async fn run(&self, sql: &str) {
        self.try_run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Runs statements as the superuser; the error is the database's.
    pub async fn try_run(&self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.map(drop)
    }

    /// The rows of a query as JSON objects.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let wrapped = format!("SELECT coalesce(jsonb_agg(to_jsonb(found)), '[]')::text FROM ({sql}) AS found");
        let text: String = sqlx::query_scalar(AssertSqlSafe(wrapped))
            .fetch_one(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        match serde_json::from_str(&text) {
            Ok(Value::Array(rows)) => rows,
            other => panic!("{sql}: {other:?}"),
        }
    }

    /// The one row of a query.
    pub async fn row(&self, sql: &str) -> Value {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:#?}");
        rows.remove(0)
    }

    /// The one number of a query.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self.row(sql).await;
        let value = row.as_object().and_then(|columns| columns.values().next()).and_then(Value::as_i64);
        value.unwrap_or_else(|| panic!("{sql}: {row}"))
    }

    /// A digest of every table. Only what the server does by itself after a commit is left out: placing events in the
    /// feed, sending letters, handling requests, recording decisions.
    pub async fn digest(&self) -> Digest {
        let tables = self
            .rows(
                "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables \
                 WHERE schemaname IN ('platform', 'audit', 'identity', 'tenancy', 'content', 'governance', 'metering') \
                 AND tablename NOT IN ('feed', 'mails') AND tablename NOT LIKE 'decisions%' \
                 AND tablename NOT LIKE 'mcp_usage%' ORDER BY 1",
            )
            .await;
        let parts: Vec<String> = tables
            .iter()
            .map(|table| {
                let name = table["name"].as_str().expect("a table has a name");
                let row = match name {
                    "platform.outbox" => "(to_jsonb(r) - 'position')::text",
                    "identity.password_reset_requests" => "r.id::text",
                    _ => "r::text",
                };
                let rows = match name {
                    "platform.outbox" => "WHERE event_type NOT IN ('decision.made', 'mcp_call.ended')",
                    _ => "",
                };
                format!("SELECT '{name}' AS name, coalesce(md5(string_agg({row}, ' ' ORDER BY {row})), '') AS digest FROM {name} r {rows}")
            })
            .collect();
        let text = |row: &Value, column: &str| row[column].as_str().expect("a text").to_owned();
        let rows = self.rows(&parts.join(" UNION ALL ")).await;
        rows.iter().map(|row| (text(row, "name"), text(row, "digest"))).collect()
    }

    /// Lets nobody stay connected, so that the database can be copied.
    pub async fn release(&self) {
        self.pool.close().await;
        let mut connection = maintenance().await;
        let name = &self.name;
        eventually("the database is free", async || {
            run(
                &mut connection,
                &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
            )
            .await;
            let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
            let left: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a count");
            (left == 0).then_some(())
        })
        .await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own, since the runtime of the test may be the current thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { run(&mut maintenance().await, &sql).await });
        })
        .join();
        if dropped.is_err() && !std::thread::panicking() {
            panic!("the database {} was not dropped", self.name);
        }
    }
}

/// The template of this build of the test binary; made by whoever needs it first.
async fn template() -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE.get_or_init(make_template).await.clone()
}

/// Any number will do.
const TEMPLATE_LOCK: i64 = 7_306_377_214;

async fn make_template() -> String {
    let binary = std::env::current_exe().and_then(std::fs::metadata).expect("the test binary is a file");
    let built = binary.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).expect("a time");
    let kind = kind_of_template();
    let name = format!("{kind}{:x}_{:x}", built.as_nanos(), binary.len());
    let mut connection = maintenance().await;
    run(&mut connection, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let databases: Vec<String> = sqlx::query_scalar("SELECT datname FROM pg_database")
        .fetch_all(&mut connection)
        .await
        .expect("the names of the databases");
    if !databases.contains(&name) {
        for stale in databases.iter().filter(|found| is_stale(found, &kind)) {
            run(&mut connection, &format!("DROP DATABASE IF EXISTS {stale} WITH (FORCE)")).await;
        }
        let settled = Database::empty().await;
        world::settle(&settled).await;
        settled.release().await;
        run(&mut connection, &format!("ALTER DATABASE {} RENAME TO {name}", settled.name)).await;
    }
    connection.close().await.expect("the connection closes, and with it the lock");
    name
}

/// How the names of this clone's templates begin: several clones may test on one server at once.
fn kind_of_template() -> String {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    format!("template_{:x}_", hasher.finish())
}

/// The template of another build of this clone, or the database of a test process that is gone.
fn is_stale(name: &str, kind: &str) -> bool {
    let process = name.strip_prefix("t_").and_then(|rest| rest.split('_').next());
    name.starts_with(kind) || process.is_some_and(|process| !std::path::Path::new("/proc").join(process).exists())
}
