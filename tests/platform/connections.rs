//! Connections to PostgreSQL between two statements: the next read takes the last one's, and writes find the others.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use api::platform::config::Stores;
use api::platform::database::{Counted, Database as Store};
use futures_util::future::{join_all, select};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::timeout;

use crate::support::{Database, World};

const CONNECTIONS: u32 = 4;

async fn store(database: &Database) -> Store {
    let stores = Stores {
        database_url: database.url().into(),
        redis_url: String::new().into(),
        redis_prefix: String::new(),
        database_connections: CONNECTIONS,
        held_rows: 1_000,
        database_role: String::new(),
    };
    Store::connect(&stores, Duration::from_secs(60)).await.expect("the database answers")
}

/// Reads through a connection, for so long, and says which one it was.
async fn read(reader: &Counted, seconds: f64) -> Result<i32, DbErr> {
    let sql = "SELECT pg_backend_pid() AS connection FROM pg_sleep($1)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [seconds.into()]);
    let row = reader.query_one_raw(statement).await?.expect("a row");
    row.try_get("", "connection")
}

/// The connections of as many reads at once as the pool may open, and one less.
async fn all_but_one(reader: &Counted) -> HashSet<i32> {
    let connections = join_all((1..CONNECTIONS).map(|_| read(reader, 0.2))).await;
    connections.into_iter().map(|connection| connection.expect("it is read")).collect()
}

#[tokio::test]
async fn reads_one_after_the_other_share_a_connection() {
    let world = World::new().await;
    let reader = store(&world.database).await.counted(Arc::default());
    assert_eq!(all_but_one(&reader).await.len(), 3, "reads at once have one each");
    let mut one_after_the_other = HashSet::new();
    for _ in 0..20 {
        one_after_the_other.insert(read(&reader, 0.0).await.expect("it is read"));
    }
    assert_eq!(one_after_the_other.len(), 1);
}

#[tokio::test]
async fn connections_that_reads_have_left_are_there_for_writes() {
    let world = World::new().await;
    let store = store(&world.database).await;
    let reader = store.counted(Arc::default());
    for _ in 0..10 {
        all_but_one(&reader).await;
        let writes = join_all((0..CONNECTIONS).map(|_| store.begin()));
        let writes = timeout(Duration::from_secs(2), writes).await.expect("none waits for long");
        for write in writes {
            write.expect("a transaction").rollback().await.expect("it is given back");
        }
    }
}

#[tokio::test]
async fn a_read_that_failed_or_was_dropped_leaves_nothing_to_the_next() {
    let world = World::new().await;
    let reader = store(&world.database).await.counted(Arc::default());
    for _ in 0..10 {
        let last = read(&reader, 0.0).await.expect("it is read");
        let failing = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid() / 0 AS connection");
        reader.query_all_raw(failing).await.expect_err("nothing is divided by nothing");
        let dropped = Box::pin(read(&reader, 30.0));
        drop(select(dropped, Box::pin(tokio::time::sleep(Duration::from_millis(20)))).await);
        let next = timeout(Duration::from_secs(2), read(&reader, 0.0)).await.expect("it does not wait");
        let next = next.expect("it is read");
        // The one that was dropped is still busy.
        assert!(next > 0 && last > 0);
    }
}
