//! Servers that are not ours, as they are published: registered, connected to, scanned, approved, called, metered, and
//! drifted by another version.

use std::process::Command;

use serde_json::{Value, json};

use super::{allow_everything, approved, call, program, recorded, text};
use crate::governance::registry_walk::{state, world};
use crate::support::mcp::{McpServer, official, script};
use crate::support::{World, environment, eventually};

/// A server of PyPI.
fn python(name: &str, arguments: &[&str]) -> Value {
    let server = std::path::PathBuf::from(environment("TRELLIS_PYTHON")).with_file_name(format!("mcp-server-{name}"));
    program(server.to_str().expect("a path of text"), arguments, json!([]))
}

/// The scan found nothing that nobody approves, and finished each of its checks.
async fn is_scanned_well(world: &World, id: &str, name: &str) {
    let state = state(&world.owner, id).await;
    let scan = &state["currentVersion"]["latestScan"];
    assert!(["PASSED", "REVIEW"].contains(&scan["verdict"].as_str().unwrap_or_default()), "{name}: {scan}");
    assert_eq!(scan["crashedChecks"], json!([]), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn official_servers_are_governed_over_every_transport() {
    let world = world().await;
    allow_everything(&world).await;
    let node = environment("TRELLIS_NODE");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().canonicalize().expect("a path").to_str().expect("of text").to_owned();
    let made = Command::new("git").args(["init", "--quiet", "--initial-branch", "trunk", &path]).status();
    assert!(made.expect("git is there").success());
    let page = McpServer::hostile().await;
    let streamable = McpServer::start(&[&official("everything"), "streamableHttp"]).await;
    let older = McpServer::start(&[&official("everything"), "sse"]).await;
    let address = |server: &McpServer, path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    let remembered = json!([{ "name": "MEMORY_FILE_PATH", "value": format!("{path}/memory.json") }]);
    let entity = json!({ "entities": [{ "name": "Ada", "entityType": "person", "observations": ["counts"] }] });
    let written = json!({ "path": format!("{path}/note.txt"), "content": "Remember." });
    let cases = [
        (
            "everything",
            program(&node, &[&official("everything"), "stdio"], json!([])),
            "echo",
            json!({ "message": "Grüße" }),
            "Grüße",
        ),
        (
            "streamable",
            json!({ "http": { "url": address(&streamable, "mcp") } }),
            "echo",
            json!({ "message": "hi" }),
            "hi",
        ),
        ("older", json!({ "sse": { "url": address(&older, "sse") } }), "echo", json!({ "message": "hi" }), "hi"),
        ("filesystem", program(&node, &[&official("filesystem"), &path], json!([])), "write_file", written, "note.txt"),
        ("memory", program(&node, &[&official("memory")], remembered), "create_entities", entity, "Ada"),
        ("time", python("time", &[]), "get_current_time", json!({ "timezone": "Asia/Tokyo" }), "+09:00"),
        ("git", python("git", &["--repository", &path]), "git_status", json!({ "repo_path": path }), "trunk"),
        (
            "fetch",
            python("fetch", &["--ignore-robots-txt", "--allow-private-ips"]),
            "fetch",
            json!({ "url": address(&page, "page"), "raw": true }),
            "<h1>Hello</h1>",
        ),
    ];
    let count = cases.len();
    for (name, transport, tool, arguments, expected) in cases {
        let id = approved(&world, name, transport).await;
        is_scanned_well(&world, &id, name).await;
        let answer = call(&world, &world.developer, &format!("{name}/{tool}"), arguments).await.well();
        assert!(text(&answer).contains(expected), "{name}: {}", answer.body);
        if name == "everything" {
            let state = state(&world.owner, &id).await;
            let tools = state["tools"]["nodes"].as_array().expect("tools").clone();
            let level = |tool: &str| tools.iter().find(|found| found["name"] == tool).map(|found| &found["riskLevel"]);
            assert_eq!(level("get-env"), Some(&json!("CRITICAL")));
            let picture = call(&world, &world.developer, "everything/get-tiny-image", json!({})).await.well();
            let parts = picture.at("mcpToolCall.result.content").as_array().expect("parts").clone();
            assert!(parts.iter().any(|part| part["__typename"] == "McpImage" && part["mimeType"] == "image/png"));
            let weather = json!({ "location": "Chicago" });
            let weather = call(&world, &world.developer, "everything/get-structured-content", weather).await.well();
            assert!(weather.at("mcpToolCall.result.structured.temperature").is_number());
            let links =
                call(&world, &world.developer, "everything/get-resource-links", json!({ "count": 2 })).await.well();
            assert!(links.body.contains("McpResourceLink"), "{}", links.body);
        }
    }
    let calls = recorded(&world, &world.owner, count + 3).await;
    assert!(calls.iter().all(|call| call["status"] == "SUCCESS" && call["latencyMs"].is_i64()), "{calls:?}");
}

#[tokio::test]
async fn another_version_of_a_server_is_called_only_once_it_was_approved() {
    let world = world().await;
    allow_everything(&world).await;
    let folder = tempfile::tempdir().expect("a folder");
    let known = folder.path().join("known").to_str().expect("of text").to_owned();
    let transport =
        program(&environment("TRELLIS_NODE"), &[&script("hostile_program.mjs"), "rug-pull", &known], json!([]));
    let id = approved(&world, "weather", transport).await;
    // The next time it is started, its tool says something else. It is not called, whatever the registry knows by then.
    call(&world, &world.developer, "weather/weather", json!({})).await.refused("TOOL_CHANGED", "");
    eventually("the registry looks again by itself", async || {
        let state = state(&world.owner, &id).await;
        state["tools"]["nodes"][0]["drift"].is_string().then_some(())
    })
    .await;
    call(&world, &world.developer, "weather/weather", json!({})).await.refused("DENIED", "");
}
