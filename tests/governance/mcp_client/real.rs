//! Servers that are not ours, as they are published.

use std::process::Command;

use api::platform::mcp::{ContentBlock, Era, Failure, Transport, call, discover};
use serde_json::{Value, json};

use crate::support::mcp::{
    McpServer, bounds, call_as, discover_and_call, names, node, object, official, python, script, text, with_secret,
};

/// What is so of the official example, wherever it is.
#[track_caller]
fn is_everything(found: &api::platform::mcp::Discovered) {
    assert_eq!((found.era, found.protocol_version.as_str()), (Era::Session, "2025-11-25"));
    assert_eq!(found.server_info["name"], "mcp-servers/everything");
    assert_eq!(found.client_capabilities, json!({}));
    assert!(found.server_capabilities["tools"].is_object() && found.instructions.is_some(), "{found:?}");
    for name in ["echo", "get-env", "get-tiny-image", "trigger-long-running-operation"] {
        assert!(names(found).contains(&name), "{name}");
    }
    assert_eq!(found.tools[0]["inputSchema"]["type"], "object");
}

async fn everything_works(transport: &Transport) {
    let bounds = bounds();
    let found = discover(transport, &bounds).await.expect("it is discovered");
    is_everything(&found);

    let ask = async |tool, arguments| call_as(&found, transport, tool, arguments, |_| (), &bounds).await;
    assert_eq!(text(&ask("echo", json!({ "message": "Grüße" })).await.expect("an answer")), "Echo: Grüße");
    let image = ask("get-tiny-image", json!({})).await.expect("an answer");
    assert!(
        image.content.iter().any(|block| matches!(block, ContentBlock::Image(image) if image.mime_type == "image/png"))
    );
    let weather = ask("get-structured-content", json!({ "location": "Chicago" })).await.expect("an answer");
    assert!(weather.structured.is_some_and(|weather| weather["temperature"].is_number()));
    let links = ask("get-resource-links", json!({ "count": 2 })).await.expect("an answer");
    assert_eq!(links.content.iter().filter(|block| matches!(block, ContentBlock::ResourceLink(_))).count(), 2);

    let mut steps = Vec::new();
    let slow = json!({ "duration": 0.3, "steps": 3 });
    let slow =
        call_as(&found, transport, "trigger-long-running-operation", slow, |step| steps.push(step.done), &bounds).await;
    assert!(!slow.expect("an answer").is_error);
    assert_eq!(steps, [1.0, 2.0, 3.0]);

    let unknown = ask("no-such-tool", json!({})).await;
    assert!(matches!(&unknown, Err(Failure::Refused { .. })) || unknown.is_ok_and(|result| result.is_error));
}

#[tokio::test]
async fn the_example_server_works_as_a_program() {
    everything_works(&node(&[&official("everything"), "stdio"])).await;
}

#[tokio::test]
async fn the_example_server_works_over_streamable_http() {
    let server = McpServer::start(&[&official("everything"), "streamableHttp"]).await;
    everything_works(&server.http("mcp")).await;
}

#[tokio::test]
async fn the_example_server_works_over_the_older_http() {
    let server = McpServer::start(&[&official("everything"), "sse"]).await;
    everything_works(&server.sse("sse")).await;
}

#[tokio::test]
async fn files_and_memory_are_kept_where_the_servers_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().canonicalize().expect("a path").to_str().expect("of text").to_owned();
    let files = node(&[&official("filesystem"), &path]);
    let written = json!({ "path": format!("{path}/note.txt"), "content": "Remember." });
    discover_and_call(&files, "write_file", written, &bounds()).await.expect("an answer");
    assert_eq!(std::fs::read_to_string(folder.path().join("note.txt")).expect("a file"), "Remember.");
    let outside = json!({ "path": "/etc/passwd" });
    let refused = discover_and_call(&files, "read_text_file", outside, &bounds()).await.expect("an answer");
    assert!(refused.is_error, "{refused:?}");

    let memory = with_secret(node(&[&official("memory")]), "MEMORY_FILE_PATH", &format!("{path}/memory.json"));
    let entity = json!({ "entities": [{ "name": "Ada", "entityType": "person", "observations": ["counts"] }] });
    discover_and_call(&memory, "create_entities", entity, &bounds()).await.expect("an answer");
    let graph = discover_and_call(&memory, "read_graph", json!({}), &bounds()).await.expect("an answer");
    assert!(text(&graph).contains("Ada"), "{graph:?}");
}

#[tokio::test]
async fn servers_in_python_are_spoken_with_in_the_newer_era() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("of text");
    let made = Command::new("git").args(["init", "--quiet", "--initial-branch", "trunk", path]).status();
    assert!(made.expect("git is there").success());
    let page = McpServer::hostile().await;
    let address = format!("http://127.0.0.1:{}/page", page.port);
    let cases: [(_, _, Value, _); 3] = [
        (python("time", &[]), "get_current_time", json!({ "timezone": "Asia/Tokyo" }), "+09:00"),
        (python("git", &["--repository", path]), "git_status", json!({ "repo_path": path }), "trunk"),
        (
            python("fetch", &["--ignore-robots-txt", "--allow-private-ips"]),
            "fetch",
            json!({ "url": address, "raw": true }),
            "<h1>Hello</h1>",
        ),
    ];
    for (transport, tool, arguments, expected) in cases {
        let found = discover(&transport, &bounds()).await.unwrap_or_else(|failure| panic!("{tool}: {failure}"));
        assert_eq!((found.era, found.protocol_version.as_str()), (Era::Stateless, "2026-07-28"), "{tool}");
        assert!(names(&found).contains(&tool) && found.server_info["name"].is_string(), "{found:?}");
        let result = call_as(&found, &transport, tool, arguments, |_| (), &bounds()).await;
        let result = result.unwrap_or_else(|failure| panic!("{tool}: {failure}"));
        assert!(text(&result).contains(expected) && !result.is_error, "{tool}: {result:?}");
    }
}

#[tokio::test]
async fn a_server_of_the_newer_era_alone_works_over_both_transports() {
    let at_address = McpServer::start(&[&script("newer.mjs")]).await;
    for transport in [node(&[&script("newer.mjs")]), at_address.http("mcp")] {
        let found = discover(&transport, &bounds()).await.expect("it is discovered");
        assert_eq!((found.era, found.protocol_version.as_str()), (Era::Stateless, "2026-07-28"));
        assert_eq!(found.server_info, json!({ "name": "newer", "title": "The newer one", "version": "7.1.0" }));
        assert_eq!(found.instructions.as_deref(), Some("Ask kindly."));
        let sum = call_as(&found, &transport, "add", json!({ "a": 2, "b": 40 }), |_| (), &bounds()).await;
        assert_eq!(sum.expect("an answer").structured, Some(json!({ "sum": 42 })));
        // It cannot be called as one of the older era, and an era it has not cannot be named.
        let arguments = || object(json!({ "a": 1, "b": 1 }));
        let older = call(&transport, Era::Session, "2025-11-25", "add", arguments(), |_| (), &bounds()).await;
        assert!(matches!(older, Err(Failure::Refused { .. } | Failure::Protocol(_))), "{older:?}");
        let mixed = call(&transport, Era::Session, "2026-07-28", "add", arguments(), |_| (), &bounds()).await;
        assert!(matches!(mixed, Err(Failure::Protocol(_))), "{mixed:?}");
    }
}
