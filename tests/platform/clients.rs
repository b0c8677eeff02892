//! The clients that applications use, unmodified, against the built server: queries, mutations, subscriptions, and coming
//! back after a restart. What each does stands in `clients/`.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::{Process, World, environment, within};

/// Runs a script to its end, and restarts the server whenever it asks for that.
async fn succeeds(script: &str) {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let mut process = Process::start(&world.database, &[]).await;
    let mut client = Command::new(environment("TRELLIS_NODE"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script))
        .env("TRELLIS_URL", process.at("/graphql"))
        .env("TRELLIS_TOKEN", world.editor.token.as_deref().expect("the editor is signed in"))
        .env("TRELLIS_DOCUMENT", document)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node starts");
    let mut answers = client.stdin.take().expect("its input is ours");
    let mut requests = BufReader::new(client.stdout.take().expect("its output is ours")).lines();
    let conversation = async {
        while let Some(request) = requests.next_line().await.expect("its output is text") {
            assert_eq!(request, "restart");
            process.restart().await;
            answers.write_all(b"restarted\n").await.expect("it listens");
        }
        client.wait_with_output().await.expect("it ends")
    };
    let output = within("the script ends", conversation).await;
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphql_ws_works_unmodified() {
    succeeds("graphql-ws.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphql_sse_works_unmodified() {
    succeeds("graphql-sse.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apollo_client_works_unmodified() {
    succeeds("apollo.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urql_works_unmodified() {
    succeeds("urql.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_layer_of_relay_works_unmodified() {
    succeeds("relay.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_audit_of_graphql_over_http_passes() {
    succeeds("audits.mjs").await;
}
