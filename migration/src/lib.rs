//! The schema, as SQL files in order, and what applies them. A migration that has landed is never edited.
//! Each file runs in a transaction of its own, and all of them under one advisory lock, so that servers
//! which start together do not migrate together.

use sea_orm_migration::{
    MigrationStatus as State, async_trait,
    prelude::{DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager},
    sea_orm::{
        ConnectionTrait, DatabaseConnection, DbBackend, SqlxPostgresConnector, Statement, sqlx::postgres::PgPoolOptions,
    },
};

/// The migrations in order: a file name without `.up.sql` and `.down.sql` for each.
macro_rules! migrations {
    ($($name:literal,)+) => {
        &[$(SqlMigration {
            name: $name,
            up: include_str!(concat!("sql/", $name, ".up.sql")),
            down: include_str!(concat!("sql/", $name, ".down.sql")),
        }),+]
    };
}

const MIGRATIONS: &[SqlMigration] = migrations![
    "m20261120_000001_platform",
    "m20261120_000002_audit",
    "m20261120_000003_identity",
    "m20261120_000004_tenancy",
    "m20261120_000005_grants",
    "m20261120_000006_content",
    "m20261120_000007_signing_in",
    "m20261120_000008_teams",
    "m20261120_000008_audit_reading",
    "m20261120_000010_content_privacy",
    "m20261120_000011_held_grants",
    "m20261120_000011_refresh_tokens",
    "m20261120_000012_audit_retention",
    "m20261120_000016_openid",
    "m20261120_000017_joining",
    "m20261120_000018_context",
    "m20261120_000019_sign_ups",
    "m20261120_000020_governance",
    "m20261120_000021_keys",
    "m20261120_000023_registry",
    "m20261120_000024_policy_sets",
    "m20261120_000024_simulations",
    "m20261120_000025_limits",
    "m20261120_000025_budgets",
    "m20261130_000026_mcp_usage",
    "m20261130_000027_own_tools",
    "m20261130_000028_reading",
    "m20261130_000029_decisions_kept",
    "m20261130_000030_work_lists",
    "m20261130_000031_partitions",
    "m20261130_000032_budgets_of_keys",
];

/// Any number will do, as long as nothing else in the database locks it.
const LOCK: i64 = 0x0074_7265_6c6c_6973;

/// One migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    pub name: String,
    pub applied: bool,
}

/// Applies every migration that is missing. The connection's user must own the database and, the first time in
/// a cluster, be allowed to create roles.
pub async fn up(database: &DatabaseConnection) -> Result<(), DbErr> {
    let session = Session::lock(database).await?;
    let migrated = Migrator::up(&session.connection, None).await;
    let unlocked = session.unlock().await;
    migrated.and(unlocked)
}

/// Takes back the last `steps` migrations, with the data in them.
pub async fn down(database: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
    let session = Session::lock(database).await?;
    let migrated = Migrator::down(&session.connection, Some(steps)).await;
    let unlocked = session.unlock().await;
    migrated.and(unlocked)
}

/// The migrations of this version that the database does not have. Only reads, and the server's own role may ask.
/// A database that is ahead, as while a newer version is rolled out, misses nothing.
pub async fn missing(database: &DatabaseConnection) -> Result<Vec<&'static str>, DbErr> {
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Postgres, APPLIED_SQL)).await?;
    let applied: Vec<String> = rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?;
    let names = MIGRATIONS.iter().map(|migration| migration.name);
    Ok(names.filter(|name| !applied.iter().any(|held| held == name)).collect())
}

const APPLIED_SQL: &str = "SELECT version FROM public.seaql_migrations";

/// What is applied and what is missing. Only reads, so it takes no lock, and the server's own role may ask.
pub async fn status(database: &DatabaseConnection) -> Result<Vec<MigrationStatus>, DbErr> {
    let migrations = Migrator::get_migration_with_status_read_only(database).await?;
    Ok(migrations
        .iter()
        .map(|migration| MigrationStatus {
            name: migration.name().to_owned(),
            applied: migration.status() == State::Applied,
        })
        .collect())
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        MIGRATIONS.iter().map(|migration| Box::new(*migration) as Box<dyn MigrationTrait>).collect()
    }
}

#[derive(Clone, Copy)]
struct SqlMigration {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.up).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.down).await.map(drop)
    }
}

/// A database connection of its own that holds the lock: a session-level lock lives and dies with its connection.
struct Session {
    connection: DatabaseConnection,
}

impl Session {
    async fn lock(database: &DatabaseConnection) -> Result<Self, DbErr> {
        let options = database.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with((*options).clone());
        let session = Self { connection: SqlxPostgresConnector::from_sqlx_postgres_pool(pool) };
        // The limits that keep requests short would cut a migration off.
        session.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0").await?;
        session.execute(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
        Ok(session)
    }

    async fn unlock(self) -> Result<(), DbErr> {
        self.execute(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
        self.connection.close().await
    }

    async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        self.connection.execute_unprepared(sql).await.map(drop)
    }
}
