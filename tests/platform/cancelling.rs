//! Work that nobody waits for any more ends in PostgreSQL too: of an operation that took too long, of a client that left,
//! of a subscription that was completed.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Database, World, eventually};

/// Reads the tags of a document, which takes a minute.
const READ: &str = "query($id: ID!) { node(id: $id) { ... on Document { tags(first: 5) { nodes { name } } } } }";
/// Reads them too, in its transaction.
const WRITE: &str = "mutation($id: ID!) { documentTag(input: { id: $id, tags: [\"red\"] }) { userErrors { code } } }";

/// A tagged document in a world where the server reads a row of tags for a minute. A statement is given so much time that
/// only its being cancelled can end it before the test gives up.
async fn slow_tags(operation_seconds: u64) -> (World, String) {
    let world = World::with(|config| config.operation_seconds = operation_seconds).await;
    let id = world.editor.document(&world.lab, json!({ "tags": ["blue"] })).await;
    world
        .database
        .run(
            "ALTER TABLE content.tags ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY slow ON content.tags USING (pg_sleep (60) IS NOT NULL)",
        )
        .await;
    (world, id)
}

/// How many statements of the server PostgreSQL works on.
async fn running(database: &Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
               AND wait_event = 'PgSleep'";
    database.number(sql).await
}

async fn begins(database: &Database) {
    eventually("the statement runs", async || (running(database).await == 1).then_some(())).await;
}

async fn ends(world: &World) {
    eventually("the statement ends", async || (running(&world.database).await == 0).then_some(())).await;
    // The pool makes up for the connection that was given up.
    for _ in 0..20 {
        world.editor.query("{ viewer { user { id } } }", Value::Null).await.well();
    }
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_stopped_in_the_database_too() {
    let (world, id) = slow_tags(1).await;
    let answer = world.editor.query(READ, json!({ "id": id })).await;
    assert_eq!(answer.code(), "TIMEOUT", "{}", answer.body);
    ends(&world).await;
}

#[tokio::test]
async fn the_work_of_a_client_that_left_is_stopped() {
    let (world, id) = slow_tags(120).await;
    for text in [READ, WRITE] {
        let request = world.editor.post().json(&json!({ "query": text, "variables": { "id": id } }));
        let asking = tokio::spawn(request.send());
        begins(&world.database).await;
        asking.abort();
        ends(&world).await;
    }
    let locked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    assert_eq!(world.database.number(locked).await, 0, "no transaction is left open");
}

#[tokio::test]
async fn the_work_of_an_operation_that_was_completed_on_its_socket_is_stopped() {
    let (world, id) = slow_tags(120).await;
    let mut socket = world.editor.socket().await;
    let operation = socket.subscribe(READ, json!({ "id": id })).await;
    begins(&world.database).await;
    socket.send(json!({ "id": operation, "type": "complete" })).await;
    ends(&world).await;
    // And of a socket that is gone.
    socket.subscribe(READ, json!({ "id": id })).await;
    begins(&world.database).await;
    drop(socket);
    ends(&world).await;
}

#[tokio::test]
async fn the_work_of_an_event_stream_that_was_hung_up_is_stopped() {
    let (world, id) = slow_tags(120).await;
    let request = world.editor.post().header("accept", "text/event-stream");
    let mut response =
        request.json(&json!({ "query": READ, "variables": { "id": id } })).send().await.expect("an answer");
    let first = timeout(Duration::from_secs(20), response.chunk()).await.expect("a comment at once");
    assert!(first.expect("it is not cut").is_some());
    begins(&world.database).await;
    drop(response);
    ends(&world).await;
}
