//! Migrations: up, down and up again end where they began, also over data, and several at once do no harm.

use std::path::PathBuf;
use std::process::Command;

use api::platform::config::Stores;
use api::platform::database::Database as Store;

use crate::support::Database;

async fn owner(database: &Database) -> Store {
    let stores = Stores {
        database_url: database.url().into(),
        redis_url: String::new().into(),
        redis_prefix: String::new(),
        database_connections: 2,
        held_rows: 1_000,
        database_role: String::new(),
    };
    Store::connect_as_owner(&stores).await.expect("the database answers")
}

/// The pg_dump beside the server of the tests, which may be newer than the one in PATH.
fn pg_dump() -> PathBuf {
    match std::env::var("TRELLIS_TEST_PG_BIN") {
        Ok(folder) => PathBuf::from(folder).join("pg_dump"),
        Err(_) => PathBuf::from("pg_dump"),
    }
}

/// The schema of the database as SQL. What pg_dump writes anew each time is left out.
fn dump(database: &Database) -> String {
    let output = Command::new(pg_dump()).args(["--schema-only", "--dbname", &database.url()]).output();
    let output = output.expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("SQL is text");
    let lines = text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.map(|line| format!("{line}\n")).collect()
}

async fn applied(store: &Store) -> (usize, usize) {
    let steps = migration::status(store.connection()).await.expect("a status");
    (steps.iter().filter(|step| step.applied).count(), steps.len())
}

#[tokio::test]
async fn up_down_and_up_again_is_the_same_schema() {
    let database = Database::empty().await;
    let store = owner(&database).await;
    let (none, all) = applied(&store).await;
    assert_eq!(none, 0);
    assert!(all > 0);
    migration::up(store.connection()).await.expect("up");
    assert_eq!(applied(&store).await, (all, all));
    let first = dump(&database);
    assert!(first.contains("CREATE TABLE content.documents"));
    for steps in 1..=u32::try_from(all).expect("few") {
        migration::down(store.connection(), steps).await.expect("down");
        assert_eq!(applied(&store).await.0, all - usize::try_from(steps).expect("few"));
        migration::up(store.connection()).await.expect("up again");
    }
    assert!(dump(&database) == first, "the schema differs after down and up");
    migration::down(store.connection(), u32::try_from(all).expect("few")).await.expect("down");
    let left = dump(&database);
    for schema in ["identity", "tenancy", "content", "audit", "platform"] {
        assert!(!left.contains(&format!("CREATE SCHEMA {schema}")), "{schema} remains");
    }
    assert_eq!(left.matches("CREATE TABLE").count(), 1, "only the list of migrations remains: {left}");
}

#[tokio::test]
async fn a_database_with_data_goes_down_and_up() {
    let database = Database::settled().await;
    let first = dump(&database);
    let store = owner(&database).await;
    let (all, _) = applied(&store).await;
    migration::down(store.connection(), u32::try_from(all).expect("few")).await.expect("down");
    migration::up(store.connection()).await.expect("up");
    assert!(dump(&database) == first, "the schema differs after down and up");
    assert_eq!(database.number("SELECT count(*) FROM identity.users").await, 0);
}

#[tokio::test]
async fn going_up_twice_changes_nothing() {
    let database = Database::settled().await;
    let store = owner(&database).await;
    let (before, schema) = (database.digest().await, dump(&database));
    migration::up(store.connection()).await.expect("up");
    assert_eq!(database.digest().await, before);
    assert!(dump(&database) == schema);
}

#[tokio::test]
async fn servers_that_start_together_migrate_one_after_the_other() {
    let database = Database::empty().await;
    let stores = [owner(&database).await, owner(&database).await, owner(&database).await];
    let results = futures_util::future::join_all(stores.iter().map(|store| migration::up(store.connection()))).await;
    for result in results {
        result.expect("up");
    }
    let (done, all) = applied(&stores[0]).await;
    assert_eq!(done, all);
}
