//! The clients that applications use, unmodified, against the built server: queries, mutations, subscriptions, and coming
//! back after a restart. And the reference implementation, which must agree with the server. What each does stands in
//! `clients/`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{Process, World, environment};

/// Runs a script to its end, and restarts the server whenever it asks for that.
async fn succeeds(script: &str) {
    let world = World::new().await;
    let document = world.owner.document(&world.handbook, json!({})).await;
    run(&world, script, &[("TRELLIS_DOCUMENT", &document)], Duration::from_secs(30)).await;
}

async fn run(world: &World, script: &str, settings: &[(&str, &str)], patience: Duration) {
    let mut process = Process::start(&world.database, &[]).await;
    let mut client = Command::new(environment("TRELLIS_NODE"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script))
        .env("TRELLIS_URL", process.at("/graphql"))
        .env("TRELLIS_TOKEN", world.owner.token.as_deref().expect("the owner is signed in"))
        .envs(settings.iter().copied())
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
    let output = timeout(patience, conversation).await.expect("the script ends");
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

/// `TRELLIS_DIFFERENTIAL` asks for more documents than these, and `TRELLIS_SEED` for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_implementation_agrees_about_random_documents() {
    // A hundred thousand documents take longer than a token is good for.
    let world = World::with(|config| config.access_token_seconds = 24 * 60 * 60).await;
    for (space, title) in [(&world.handbook, "One"), (&world.handbook, "Two"), (&world.handbook, "Three")] {
        let parent = world.owner.document(space, json!({ "title": title, "tags": ["red", "blue"] })).await;
        world.owner.document(space, json!({ "title": "Below", "parentId": parent })).await;
    }
    let count = std::env::var("TRELLIS_DIFFERENTIAL").unwrap_or_else(|_| "500".to_owned());
    let number: u64 = count.parse().expect("TRELLIS_DIFFERENTIAL is a number");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let settings = [("TRELLIS_SCHEMA", schema.to_str().expect("a path")), ("TRELLIS_DIFFERENTIAL", &count)];
    run(&world, "differential/compare.mjs", &settings, Duration::from_secs(60 + number / 20)).await;
}
