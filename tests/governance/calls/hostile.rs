//! Servers that are up to no good: each is contained, named and recorded.

use serde_json::json;

use super::{allow_everything, approved, call, program, recorded};
use crate::governance::registry_walk::world;
use crate::support::mcp::script;
use crate::support::{World, environment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_does_the_call_ends_with_a_typed_answer() {
    let world = World::with(|config| config.mcp.mcp_seconds = 4).await;
    let input = json!({ "id": world.rocket, "mcpPrivateAddresses": true });
    world.project_admin.mutate("projectUpdate", input).await.well();
    allow_everything(&world).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file").to_str().expect("of text").to_owned();
    let cases = [
        ("hanging-call", "TIMED_OUT", "TIMEOUT"),
        ("huge-result", "RESULT_TOO_LARGE", "ERROR"),
        ("endless-line", "RESULT_TOO_LARGE", "ERROR"),
        ("crash-call", "SERVER_UNAVAILABLE", "ERROR"),
        ("input-required", "SERVER_FAILED", "ERROR"),
        ("wrong-answer", "TIMED_OUT", "TIMEOUT"),
        ("no-content", "SERVER_FAILED", "ERROR"),
    ];
    world.project_admin.secret(&world.rocket, "API_KEY", "planted-0815-planted").await;
    let environment_of = json!([{ "name": "API_KEY", "value": "${secrets.API_KEY}" }]);
    for (mode, code, status) in cases {
        let arguments = [script("hostile_program.mjs"), mode.to_owned(), path.clone()];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        approved(&world, mode, program(&environment("TRELLIS_NODE"), &arguments, environment_of.clone())).await;
        let answer = call(&world, &world.developer, &format!("{mode}/weather"), json!({})).await;
        answer.refused(code, "");
        assert_eq!(answer.at("mcpToolCall.toolCall.status"), status, "{mode}");
        assert!(!answer.body.contains("planted"), "{mode}: {}", answer.body);
    }
    let calls = recorded(&world, &world.owner, cases.len()).await;
    assert!(!json!(calls).to_string().contains("planted"), "{calls:?}");
    let flood = [script("hostile_program.mjs"), "flood".to_owned(), path.clone()];
    let flood: Vec<&str> = flood.iter().map(String::as_str).collect();
    approved(&world, "flood", program(&environment("TRELLIS_NODE"), &flood, json!([]))).await;
    call(&world, &world.developer, "flood/weather", json!({})).await.well();
}

#[tokio::test]
async fn a_thief_finds_nothing_of_ours() {
    let world = world().await;
    allow_everything(&world).await;
    let transport =
        program(&environment("TRELLIS_NODE"), &[&script("hostile_program.mjs"), "thief", "/tmp"], json!([]));
    approved(&world, "thief", transport).await;
    let answer = call(&world, &world.developer, "thief/weather", json!({})).await.well();
    let secret = world.server.platform().config.token_secret().to_owned();
    assert!(!answer.body.contains(&secret) && !answer.body.contains("DATABASE_URL"), "{}", answer.body);
}
