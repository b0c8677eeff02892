//! The official clients, unmodified. What each does stands in `mcp/client.mjs` and `mcp/client.py`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Endpoint, OWN, names};
use crate::support::{environment, eventually, mcp::script};

/// Runs a client to its end, and gives what it saw.
async fn seen(endpoint: &Endpoint, program: &str, file: &str, era: &str, token: &str, calls: &Value) -> Value {
    let url = endpoint.world.server.at("/mcp");
    let arguments = [script(file), era.to_owned(), url, token.to_owned(), calls.to_string()];
    let client = Command::new(environment(program)).args(arguments).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(60), client).await.expect("it ends").expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{era} says {text} and {}", String::from_utf8_lossy(&output.stderr)))
}

const CLIENTS: [(&str, &str, &str, &str); 5] = [
    ("TRELLIS_NODE", "client.mjs", "newer", "2026-07-28"),
    ("TRELLIS_NODE", "client.mjs", "older", "2025-11-25"),
    ("TRELLIS_NODE", "client.mjs", "sessions", "2025-11-25"),
    ("TRELLIS_PYTHON", "client.py", "newer", "2026-07-28"),
    ("TRELLIS_PYTHON", "client.py", "older", "2025-11-25"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_lists_and_calls_only_what_its_key_may() {
    let rules = json!({ "access": { "allowedTools": ["trellis/*"], "blockedTools": ["trellis/document_update"] } });
    let endpoint = Endpoint::with(rules).await;
    for (index, (program, file, era, version)) in CLIENTS.into_iter().enumerate() {
        let title = format!("Written by client {index}");
        let arguments = json!({ "spaceId": endpoint.space, "title": title });
        let calls = json!([
            { "tool": "trellis__document_create", "arguments": arguments },
            { "tool": "trellis__document_search", "arguments": { "query": title, "limit": 1 } },
            { "tool": "trellis__document_update", "arguments": { "id": "doc_x", "expectedVersion": 1 } },
            { "tool": "trellis__document_create", "arguments": { "title": "" } },
            { "tool": "nothing", "arguments": {} },
        ]);
        let seen = seen(&endpoint, program, file, era, endpoint.token(), &calls).await;
        let what = format!("{file} {era}: {seen}");
        assert!(seen["failed"].is_null(), "{what}");
        assert_eq!((&seen["server"], &seen["version"]), (&json!("trellis"), &json!(version)), "{what}");
        let expected: Vec<&str> = OWN.into_iter().filter(|name| !name.ends_with("update")).collect();
        assert_eq!(names(&seen["tools"]), expected, "{what}");
        let results = &seen["results"];
        assert_eq!(results[0]["structuredContent"]["title"], title.as_str(), "{what}");
        assert_eq!(results[1]["structuredContent"]["documents"][0]["title"], title.as_str(), "{what}");
        assert_eq!(results[2]["isError"], true, "{what}");
        assert!(results[2]["content"][0]["text"].as_str().is_some_and(|text| text.contains("DENIED")), "{what}");
        assert_eq!(results[3]["isError"], true, "{what}");
        assert!(results[4]["thrown"].as_str().is_some_and(|text| text.contains("Unknown tool")), "{what}");
    }
    let unknown = "SELECT count(*) FROM metering.mcp_usage WHERE error_code = 'UNKNOWN_TOOL' AND tool_name = 'nothing'";
    let told = i64::try_from(CLIENTS.len()).expect("a few");
    let is_recorded = async || (endpoint.world.database.number(unknown).await == told).then_some(());
    eventually("what there is not is recorded", is_recorded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_let_in_hears_it_from_every_client() {
    let endpoint = Endpoint::new().await;
    for (program, file, era, _) in CLIENTS {
        let seen = seen(&endpoint, program, file, era, "tr_live_nothing", &json!([])).await;
        assert!(seen["failed"].is_string() && seen["tools"] == json!([]), "{file} {era}: {seen}");
    }
}
