//! What is counted of keys: exactly, without a write for a request, and kept when the server leaves.

use futures_util::future::join_all;
use serde_json::Value;

use super::row_of;
use crate::support::{World, eventually};

async fn uses(world: &World, key: &str) -> i64 {
    world.database.number(&format!("SELECT usage_count FROM governance.api_keys WHERE {}", row_of(key))).await
}

#[tokio::test]
async fn every_use_is_counted_and_written_together() {
    let world = World::with(|config| config.key_usage_seconds = 1).await;
    let (id, key) = world.editor.api_key(None, &["PROFILE_READ"]).await;
    let before = world.database.row("SELECT count(*) AS entries FROM audit.logs").await;
    let first = key.query("{ __typename }", Value::Null).await.well();
    assert_eq!(first.statements(), 0, "a request writes nothing");
    join_all((0..40).map(|_| key.query("{ __typename }", Value::Null))).await;
    let mut socket = key.socket().await;
    for _ in 0..9 {
        socket.settle().await;
    }
    eventually("51 uses are written", async || (uses(&world, &id).await == 51).then_some(())).await;
    let row = format!(
        "SELECT last_used_at > now() - interval '1 minute' AS lately, host(last_used_ip) AS ip, version FROM governance.api_keys WHERE {}",
        row_of(&id)
    );
    let row = world.database.row(&row).await;
    assert_eq!(row, serde_json::json!({ "lately": true, "ip": "127.0.0.1", "version": 1 }));
    assert_eq!(world.database.row("SELECT count(*) AS entries FROM audit.logs").await, before, "and is no change");
}

#[tokio::test]
async fn a_server_that_leaves_loses_no_use() {
    let world = World::with(|config| config.key_usage_seconds = 3_600).await;
    let (id, key) = world.editor.api_key(None, &["PROFILE_READ"]).await;
    join_all((0..25).map(|_| key.query("{ __typename }", Value::Null))).await;
    assert_eq!(uses(&world, &id).await, 0);
    let World { server, database, .. } = world;
    server.stop().await;
    let sql = format!("SELECT usage_count FROM governance.api_keys WHERE {}", row_of(&id));
    assert_eq!(database.number(&sql).await, 25);
}

#[tokio::test]
async fn a_key_that_is_held_is_written_the_next_time() {
    let world = World::with(|config| config.key_usage_seconds = 1).await;
    let (id, key) = world.editor.api_key(None, &["PROFILE_READ"]).await;
    let (other, other_key) = world.editor.api_key(None, &["PROFILE_READ"]).await;
    let mut holder = world.database.pool().begin().await.expect("a transaction");
    let hold = format!("SELECT FROM governance.api_keys WHERE {} FOR SHARE", row_of(&id));
    sqlx::raw_sql(sqlx::AssertSqlSafe(hold)).execute(&mut *holder).await.expect("a lock");
    for client in [&key, &key, &other_key] {
        client.query("{ __typename }", Value::Null).await.well();
    }
    eventually("the other key is written", async || (uses(&world, &other).await == 1).then_some(())).await;
    assert_eq!(uses(&world, &id).await, 0);
    holder.rollback().await.expect("the lock is given back");
    eventually("and then this one", async || (uses(&world, &id).await == 2).then_some(())).await;
}
