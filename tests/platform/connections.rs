//! Connections to PostgreSQL between two statements: the next read takes the last one's, and writes find the others.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use api::platform::database::{Counted, Database as Store};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::timeout;

use crate::support::{Database, World, eventually};

const CONNECTIONS: u32 = 4;

async fn store(database: &Database) -> Store {
    let stores = database.stores(CONNECTIONS);
    Store::connect(&stores, Duration::from_secs(60)).await.expect("the database answers")
}

/// Reads through a connection, for so long, and says which one it was.
async fn read(reader: &Counted, seconds: f64) -> Result<i32, DbErr> {
    let sql = "SELECT pg_backend_pid() AS connection FROM pg_sleep ($1)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [seconds.into()]);
    let row = reader.query_one_raw(statement).await?.expect("a row");
    row.try_get("", "connection")
}

/// The connections of reads at once, one fewer than the pool may open.
async fn all_but_one(reader: &Counted) -> HashSet<i32> {
    let connections = join_all((1..CONNECTIONS).map(|_| read(reader, 0.2))).await;
    connections.into_iter().map(|connection| connection.expect("it is read")).collect()
}

#[tokio::test]
async fn reads_one_after_the_other_share_a_connection() {
    let world = World::new().await;
    let reader = store(&world.database).await.counted(Arc::default());
    eventually("reads at once have one each", async || {
        (all_but_one(&reader).await.len() == CONNECTIONS as usize - 1).then_some(())
    })
    .await;
    // A machine that stands still between two reads gives the connection back meanwhile.
    eventually("twenty reads share one", async || {
        let mut used = HashSet::new();
        for _ in 0..20 {
            used.insert(read(&reader, 0.0).await.expect("it is read"));
        }
        (used.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn connections_that_reads_have_left_are_there_for_writes() {
    let world = World::new().await;
    let store = store(&world.database).await;
    let reader = store.counted(Arc::default());
    for _ in 0..10 {
        all_but_one(&reader).await;
        for write in join_all((0..CONNECTIONS).map(|_| store.begin())).await {
            write.expect("a transaction, without waiting for long").rollback().await.expect("it is given back");
        }
    }
}

#[tokio::test]
async fn a_read_that_was_dropped_leaves_no_busy_connection_to_the_next() {
    let world = World::new().await;
    let reader = store(&world.database).await.counted(Arc::default());
    for _ in 0..10 {
        read(&reader, 0.0).await.expect("it is read");
        // It takes the connection that was just left, and is dropped while PostgreSQL works for it.
        timeout(Duration::from_millis(20), read(&reader, 30.0)).await.expect_err("it sleeps");
        timeout(Duration::from_secs(20), read(&reader, 0.0)).await.expect("it does not wait").expect("it is read");
    }
}

#[tokio::test]
async fn a_read_that_failed_leaves_no_broken_connection_to_the_next() {
    let world = World::new().await;
    let reader = store(&world.database).await.counted(Arc::default());
    let fatal = Statement::from_string(DbBackend::Postgres, "SELECT pg_terminate_backend(pg_backend_pid())");
    for _ in 0..3 {
        reader.query_all_raw(fatal.clone()).await.expect_err("its connection is gone");
        read(&reader, 0.0).await.expect("it is read through another");
    }
}
