//! PostgreSQL ends every connection of the server, as it does when it restarts.

use serde_json::{Value, json};

use crate::support::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_after_its_connections_were_cut() {
    let world = World::new().await;
    let document = world.owner.document(&world.handbook, json!({})).await;
    let mut socket = world.owner.socket().await;
    let follow = "subscription($id: ID!) { documentChanged(id: $id) { document { title } } }";
    socket.subscribe(follow, json!({ "id": document })).await;
    socket.settle().await;

    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'trellis'";
    assert!(world.database.number(cut).await > 0);
    eventually("reading works again", async || {
        let answer = world.owner.query("{ viewer { user { name } } }", Value::Null).await;
        answer.json["data"]["viewer"]["user"]["name"].is_string().then_some(())
    })
    .await;
    eventually("writing works again", async || {
        let answer = world.owner.mutate("documentUpdate", json!({ "id": document, "title": "After the cut" })).await;
        answer.codes().is_empty().then_some(())
    })
    .await;
    let event = socket.event().await;
    assert_eq!(event["documentChanged"]["document"]["title"], "After the cut");
}
