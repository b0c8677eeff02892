//! Migrations: up, down and up again end where they began, also over data, and several at once do no harm.

use std::path::PathBuf;
use std::process::Command;

use api::platform::database::Database as Store;

use crate::support::Database;

async fn owner(database: &Database) -> Store {
    Store::connect_as_owner(&database.stores(2)).await.expect("the database answers")
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

/// The files of migrations that have landed, each with the FNV-1a hash of its text.
const LANDED: [(&str, u64); 12] = [
    ("m20261120_000001_platform.down.sql", 0xc75cb7870b99ab4b),
    ("m20261120_000001_platform.up.sql", 0xa79f7d6b728b2bb8),
    ("m20261120_000002_audit.down.sql", 0xf1c295ba5140fef3),
    ("m20261120_000002_audit.up.sql", 0x1c2d22eec78b884f),
    ("m20261120_000003_identity.down.sql", 0x2475f167d1cb54fc),
    ("m20261120_000003_identity.up.sql", 0xd10e9563ecfd8baa),
    ("m20261120_000004_tenancy.down.sql", 0x8bb4a14d80d02d7d),
    ("m20261120_000004_tenancy.up.sql", 0x51746dcd98dbdca6),
    ("m20261120_000005_grants.down.sql", 0xeb0eb1abcdd97932),
    ("m20261120_000005_grants.up.sql", 0x320f06c368986e43),
    ("m20261120_000006_content.down.sql", 0x09084e563243d5f1),
    ("m20261120_000006_content.up.sql", 0xef98ff8a800c5098),
];

#[test]
fn a_migration_that_has_landed_is_never_edited() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../migration/src/sql");
    for (name, expected) in LANDED {
        let text = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let hash = text
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(hash, expected, "{name} was applied already: what it should say goes into a new migration");
    }
}
