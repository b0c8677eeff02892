//! The database that is read: made and filled when it is missing or was filled by another version of `fill.sql`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::process::Command;
use uuid::Uuid;

use crate::{Result, processes};

const NAME: &str = "trellis_bench";
const FILL: &str = include_str!("fill.sql");

/// Organizations that are read under load: 1 to this.
pub const ORGANIZATIONS: usize = 200;

/// Somebody who reads.
#[derive(Clone, Debug)]
pub struct Reader {
    pub user: Uuid,
    pub session: Uuid,
}

/// The database and who reads in it.
pub struct Database {
    pub url: String,
    /// The reader of each organization; the first is of organization 0, where access differs.
    pub readers: Vec<Reader>,
    /// Everyone of organization 0.
    pub everyone: Vec<Reader>,
}

/// Makes the database where it is missing, on the server of `server_url`, and fills it.
pub async fn prepare(server_url: &str, trellis: &Path) -> Result<Database> {
    let url = with_name(server_url, NAME)?;
    let mark = format!("filled by bench {:016x}", fingerprint());
    let mut server = connect(server_url).await?;
    if filled(&mut server).await?.as_deref() != Some(mark.as_str()) {
        eprintln!("bench: filling the database {NAME}");
        execute(&mut server, format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")).await?;
        execute(&mut server, format!("CREATE DATABASE {NAME}")).await?;
        migrate(trellis, &url).await?;
        let mut connection = connect(&url).await?;
        sqlx::raw_sql(FILL).execute(&mut connection).await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
        connection.close().await?;
        execute(&mut server, format!("COMMENT ON DATABASE {NAME} IS '{mark}'")).await?;
        // What was just written would else go to the disk while it is measured.
        execute(&mut server, "CHECKPOINT".to_owned()).await.ok();
    } else {
        migrate(trellis, &url).await?;
    }
    server.close().await?;
    let mut connection = connect(&url).await?;
    let readers = readers(&mut connection, "id::text LIKE '00000000-0000-7000-8000-%' ORDER BY id").await?;
    let everyone = readers_of_first(&mut connection).await?;
    connection.close().await?;
    if readers.len() != ORGANIZATIONS + 1 {
        return Err(format!("{NAME} holds {} readers; drop it and run again", readers.len()).into());
    }
    Ok(Database { url, readers, everyone })
}

async fn connect(url: &str) -> Result<PgConnection> {
    let options: PgConnectOptions = url.parse().map_err(|_| "DATABASE_URL is not a PostgreSQL address")?;
    let connected = options.application_name("trellis bench").disable_statement_logging().connect().await;
    connected.map_err(|error| format!("PostgreSQL does not answer: {error}").into())
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn migrate(trellis: &Path, url: &str) -> Result<()> {
    let mut command = Command::new(trellis);
    command.args(["migrate", "up"]).env("DATABASE_URL", url);
    processes::output(command).await.map(drop)
}

/// What is remembered about the database; none when it is missing.
async fn filled(server: &mut PgConnection) -> Result<Option<String>> {
    let sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1";
    let found: Option<Option<String>> = sqlx::query_scalar(sql).bind(NAME).fetch_optional(server).await?;
    Ok(found.flatten())
}

fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    FILL.hash(&mut hasher);
    hasher.finish()
}

async fn readers(connection: &mut PgConnection, condition: &'static str) -> Result<Vec<Reader>> {
    let sql = format!("SELECT user_id, id FROM identity.sessions WHERE {condition}");
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(user, session)| Reader { user, session }).collect())
}

async fn readers_of_first(connection: &mut PgConnection) -> Result<Vec<Reader>> {
    readers(connection, "id::text LIKE '00000000-0000-7000-8%-000000000000' ORDER BY id").await
}

/// The address with another database in it.
pub fn with_name(url: &str, name: &str) -> Result<String> {
    let start = url.find("://").ok_or("DATABASE_URL is not a PostgreSQL address")? + 3;
    let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let end = address[start..].find('/').map_or(address.len(), |slash| start + slash);
    Ok(format!("{}/{name}{query}", &address[..end]))
}
